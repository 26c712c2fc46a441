"""The provider's own list: what reconciling a lost answer depends on."""

import json

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
    listed = {row.provider_task_id: row for row in (await dashscope.list_page(WAN, 1)).rows}
    assert set(listed) == {old, new}
    audit = {entry.provider_task_id: entry for entry in emulator.audit()}
    for provider_task_id, row in listed.items():
        assert row.model == WAN
        assert row.request_id == audit[provider_task_id].request_id
        assert row.submitted_at.timestamp() == pytest.approx(audit[provider_task_id].submitted_at, abs=0.002)


async def test_the_list_comes_in_pages_of_which_the_last_says_so(dashscope, emulator, edit, monkeypatch):
    monkeypatch.setattr(module, "LIST_PAGE", 3)
    made = {(await dashscope.create(edit(str(number)))).provider_task_id for number in range(8)}
    pages = [await dashscope.list_page(WAN, number) for number in (1, 2, 3, 4)]
    assert [len(page.rows) for page in pages] == [3, 3, 2, 0]
    assert [page.is_last for page in pages] == [False, False, True, True]
    assert {row.provider_task_id for page in pages for row in page.rows} == made


@pytest.mark.parametrize("how", ["late", "missing"])
async def test_rows_that_are_not_there_yet_are_simply_not_listed(dashscope, emulator, edit, how):
    old, _ = await _created_an_hour_ago_and_now(dashscope, emulator, edit)
    emulator.set_faults([Fault(operation="list", does=Rows(how=how, seconds=1800))])
    assert [row.provider_task_id for row in (await dashscope.list_page(WAN, 1)).rows] == [old]


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
        await recorded_dashscope.list_page(WAN, 1)
    assert caught.value.failure.cause is Cause.NONSENSE
