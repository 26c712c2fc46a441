"""The provider's own list: what reconciling a lost answer depends on."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from blocks.clients import dashscope as module
from blocks.clients.dashscope import DashScopeClient
from blocks.clients.transport import CallFailed
from deployments.emulator import HAPPYHORSE, WAN, Emulator, Fault, Rows
from flows.rules.failures import Cause
from tests.recorder import Reply

pytestmark = pytest.mark.anyio


async def _created_an_hour_ago_and_now(dashscope: DashScopeClient, emulator: Emulator, edit) -> tuple[str, str]:
    old = await dashscope.create(edit("old"))
    emulator.advance(3600)
    new = await dashscope.create(edit("new"))
    return old.provider_task_id, new.provider_task_id


async def test_the_list_holds_the_accounts_provider_tasks_of_the_model(dashscope, emulator, edit):
    old, new = await _created_an_hour_ago_and_now(dashscope, emulator, edit)
    await dashscope.create(edit(model=HAPPYHORSE))
    listed = {row.provider_task_id: row for row in await dashscope.list_tasks(WAN)}
    assert set(listed) == {old, new}
    audit = {entry.provider_task_id: entry for entry in emulator.audit()}
    for provider_task_id, row in listed.items():
        assert row.model == WAN
        assert row.request_id == audit[provider_task_id].request_id
        assert row.submitted_at.timestamp() == pytest.approx(audit[provider_task_id].submitted_at, abs=0.002)


async def test_a_window_of_the_list_is_told_in_the_providers_own_time(dashscope, emulator, edit):
    _, new = await _created_an_hour_ago_and_now(dashscope, emulator, edit)
    now = datetime.fromtimestamp(emulator.now(), UTC)
    listed = await dashscope.list_tasks(WAN, (now - timedelta(minutes=30), now + timedelta(minutes=30)))
    assert [row.provider_task_id for row in listed] == [new]


async def test_a_window_is_sent_as_digits_of_chinas_time(recorder, recorded_dashscope):
    recorder.reply = lambda _: Reply(body=b'{"data": [], "total_page": 0}')
    await recorded_dashscope.list_tasks(
        WAN, (datetime(2026, 11, 20, 20, tzinfo=UTC), datetime(2026, 11, 21, 20, tzinfo=UTC))
    )
    assert recorder.asked[0].path == (
        f"/api/v1/tasks?model_name={WAN}&page_size=100&start_time=20261121040000&end_time=20261122040000&page_no=1"
    )


async def test_every_page_of_the_list_is_read_and_a_shifted_row_counts_once(dashscope, emulator, edit, monkeypatch):
    monkeypatch.setattr(module, "LIST_PAGE", 3)
    made = {(await dashscope.create(edit(str(number)))).provider_task_id for number in range(8)}
    emulator.set_faults([Fault(operation="list", does=Rows(how="shifted", count=1), nth=[2])])
    listed = await dashscope.list_tasks(WAN)
    assert len(listed) == len({row.provider_task_id for row in listed})
    emulator.set_faults([])
    assert {row.provider_task_id for row in await dashscope.list_tasks(WAN)} == made
    assert emulator.counters().operations["dashscope list"].received == 6


@pytest.mark.parametrize("how", ["late", "missing"])
async def test_rows_that_are_not_there_yet_are_simply_not_listed(dashscope, emulator, edit, how):
    old, _ = await _created_an_hour_ago_and_now(dashscope, emulator, edit)
    emulator.set_faults([Fault(operation="list", does=Rows(how=how, seconds=1800))])
    assert [row.provider_task_id for row in await dashscope.list_tasks(WAN)] == [old]


@pytest.mark.parametrize(
    "body",
    [
        {"output": {}},
        {"data": {}},
        {"data": [{"task_id": "t"}]},
        {"data": [{"gmt_create": 1_763_600_000_000}]},
        {"data": ["t"]},
    ],
)
async def test_a_list_with_a_row_that_cannot_be_read_concludes_nothing(recorder, recorded_dashscope, body):
    recorder.reply = lambda _: Reply(body=json.dumps(body).encode())
    with pytest.raises(CallFailed) as caught:
        await recorded_dashscope.list_tasks(WAN)
    assert caught.value.failure.cause is Cause.NONSENSE


async def test_a_list_that_never_ends_is_nonsense(recorder, recorded_dashscope, monkeypatch):
    monkeypatch.setattr(module, "MAX_LIST_PAGES", 4)
    row = {"task_id": "t", "gmt_create": 1_763_600_000_000, "status": "RUNNING"}
    recorder.reply = lambda _: Reply(body=json.dumps({"data": [row]}).encode())
    with pytest.raises(CallFailed, match="does not end"):
        await recorded_dashscope.list_tasks(WAN)
    assert len(recorder.asked) == 4
