"""DashScope's client: what it sends, to the header, and what it makes of a real provider's answers."""

import asyncio
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from blocks.clients.dashscope import DashScopeClient, Quota
from blocks.clients.provider import EditRequest
from blocks.clients.transport import CallFailed
from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, Fate, Fault, Limits, Report
from flows.rules.failures import Cause
from flows.rules.states import ProviderState
from tests.conftest import KEY, RUN_SECONDS
from tests.recorder import Reply

pytestmark = pytest.mark.anyio

REQUEST = EditRequest(
    model=WAN,
    prompt='让它变成黏土 "claymation"',
    negative_prompt="text, logos",
    video="https://clips.example/a.mp4",
    reference_images=("https://clips.example/1.png", "https://clips.example/2.png"),
    parameters={"resolution": "720P", "watermark": False},
)
ACCEPTED = Reply(body=json.dumps({"output": {"task_id": "t", "task_status": "PENDING"}, "request_id": "r"}).encode())


async def test_a_create_sends_what_the_reference_documents(recorder, recorded_dashscope):
    recorder.reply = lambda _: ACCEPTED
    created = await recorded_dashscope.create(REQUEST)
    assert (created.provider_task_id, created.request_id) == ("t", "r")
    (asked,) = recorder.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/services/aigc/video-generation/video-synthesis")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-dashscope-async"] == "enable"
    assert asked.headers["x-dashscope-workspace"] == "ws-1"
    assert "x-dashscope-ossresourceresolve" not in asked.headers
    assert asked.json == {
        "model": WAN,
        "input": {
            "prompt": '让它变成黏土 "claymation"',
            "negative_prompt": "text, logos",
            "media": [
                {"type": "video", "url": "https://clips.example/a.mp4"},
                {"type": "reference_image", "url": "https://clips.example/1.png"},
                {"type": "reference_image", "url": "https://clips.example/2.png"},
            ],
        },
        "parameters": {"resolution": "720P", "watermark": False},
    }


async def test_what_was_not_said_is_not_sent(recorder, recorded_dashscope):
    recorder.reply = lambda _: ACCEPTED
    await recorded_dashscope.create(replace(REQUEST, prompt="", negative_prompt=None, reference_images=()))
    said = recorder.asked[0].json["input"]
    assert said == {"media": [{"type": "video", "url": "https://clips.example/a.mp4"}]}


@pytest.mark.parametrize("stored", [{"video": "oss://a/b.mp4"}, {"reference_images": ("oss://a/b.png",)}])
async def test_only_addresses_in_the_temporary_store_are_to_be_resolved(recorder, recorded_dashscope, stored):
    recorder.reply = lambda _: ACCEPTED
    await recorded_dashscope.create(replace(REQUEST, **stored))
    assert recorder.asked[0].headers["x-dashscope-ossresourceresolve"] == "enable"


async def test_looks_carry_no_headers_of_a_create(recorder, recorded_dashscope):
    answer = {"output": {"task_id": "t", "task_status": "RUNNING"}}
    recorder.reply = lambda _: Reply(body=json.dumps(answer).encode())
    await recorded_dashscope.get("t")
    (asked,) = recorder.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/api/v1/tasks/t", b"")
    assert "x-dashscope-async" not in asked.headers
    assert asked.headers["x-dashscope-workspace"] == "ws-1"


async def test_an_id_of_any_shape_is_asked_for_as_it_is(recorder, recorded_dashscope):
    answer = {"output": {"task_id": "t", "task_status": "RUNNING"}}
    recorder.reply = lambda _: Reply(body=json.dumps(answer).encode())
    await recorded_dashscope.get("a/b?c#d e")
    recorder.reply = lambda _: Reply()
    await recorded_dashscope.cancel("a/b?c")
    assert [asked.path for asked in recorder.asked] == [
        "/api/v1/tasks/a%2Fb%3Fc%23d%20e",
        "/api/v1/tasks/a%2Fb%3Fc/cancel",
    ]


async def test_an_edit_is_followed_from_create_to_result(dashscope, emulator, edit):
    created = await dashscope.create(edit("turn it into claymation"))
    queued_or_running = await dashscope.get(created.provider_task_id)
    assert not queued_or_running.state.is_final
    assert queued_or_running.prompt == "turn it into claymation"
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED")
    over = await dashscope.get(created.provider_task_id)
    assert over.state is ProviderState.SUCCEEDED
    assert over.result_url is not None and ".mp4?Expires=" in over.result_url
    assert over.failure is None
    assert over.billed_seconds == pytest.approx(6, abs=0.3)
    assert over.submitted_at is not None and over.started_at is not None and over.ended_at is not None
    assert over.submitted_at <= over.started_at < over.ended_at
    assert abs(over.submitted_at - datetime.fromtimestamp(emulator.audit()[0].submitted_at, UTC)) < timedelta(seconds=1)


async def test_a_failed_provider_task_gives_its_reason(dashscope, emulator, edit):
    emulator.set_faults(
        [
            Fault(
                operation="create",
                does=Fate(ends="failed", code="DataInspectionFailed", message="Green net check failed", run_seconds=0),
            )
        ]
    )
    created = await dashscope.create(edit())
    emulator.wait(status="FAILED")
    over = await dashscope.get(created.provider_task_id)
    assert over.state is ProviderState.FAILED and over.failure is not None
    assert (over.failure.cause, over.failure.code) == (Cause.MODERATION, "DataInspectionFailed")
    assert over.failure.message == "Green net check failed"
    assert over.failure.request_id


async def test_a_failure_without_a_reason_says_so(dashscope, emulator, edit):
    emulator.set_faults([Fault(operation="create", does=Fate(ends="failed", run_seconds=0))])
    created = await dashscope.create(edit())
    emulator.wait(status="FAILED")
    over = await dashscope.get(created.provider_task_id)
    assert over.failure is not None
    assert (over.failure.cause, over.failure.code) == (Cause.UNEXPLAINED, "NoReason")
    assert over.failure.message == "the provider gave no reason"


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (Report(status="UNKNOWN"), ProviderState.UNKNOWN),
        (Report(status="SUSPENDED"), ProviderState.RUNNING),
        (Report(status="PENDING"), ProviderState.PENDING),
    ],
)
async def test_whatever_word_a_look_brings_is_read(dashscope, emulator, edit, report, state):
    created = await dashscope.create(edit())
    emulator.set_faults([Fault(operation="get", does=report)])
    assert (await dashscope.get(created.provider_task_id)).state is state


async def test_success_without_an_address_has_no_result(dashscope, emulator, edit):
    created = await dashscope.create(edit())
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED")
    emulator.set_faults([Fault(operation="get", does=Report(without_url=True))])
    over = await dashscope.get(created.provider_task_id)
    assert (over.state, over.result_url) == (ProviderState.SUCCEEDED, None)


async def test_an_id_nobody_knows_and_an_expired_one_are_no_errors(dashscope, emulator, edit):
    assert (await dashscope.get("never-made")).state is ProviderState.UNKNOWN
    created = await dashscope.create(edit())
    emulator.advance(25 * 3600)
    assert (await dashscope.get(created.provider_task_id)).state is ProviderState.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        {"output": None},
        {"output": {"task_id": "t"}},
        {"output": ["task_status"]},
        {},
    ],
)
async def test_a_look_without_a_status_is_nonsense(recorder, recorded_dashscope, body):
    recorder.reply = lambda _: Reply(body=json.dumps(body).encode())
    with pytest.raises(CallFailed) as caught:
        await recorded_dashscope.get("t")
    assert caught.value.failure.cause is Cause.NONSENSE


@pytest.mark.parametrize("usage", [None, [], "n/a", {"duration": "soon"}, {"duration": None}, {"duration": math.nan}])
async def test_an_odd_usage_never_loses_a_result(recorder, recorded_dashscope, usage):
    output = {"task_id": "t", "task_status": "SUCCEEDED", "video_url": "https://r.example/r.mp4", "end_time": "soon"}
    recorder.reply = lambda _: Reply(body=json.dumps({"output": output, "usage": usage}).encode())
    over = await recorded_dashscope.get("t")
    assert (over.result_url, over.billed_seconds, over.ended_at) == ("https://r.example/r.mp4", None, None)


async def test_what_still_queues_is_cancelled_and_what_runs_is_not(dashscope, emulator, edit):
    emulator.set_faults([Fault(operation="create", prompt="waits", does=Fate(ends="stays_pending"))])
    queued = await dashscope.create(edit("waits"))
    running = await dashscope.create(edit("runs"))
    assert await dashscope.cancel(queued.provider_task_id)
    assert not await dashscope.cancel(running.provider_task_id)
    assert (await dashscope.get(queued.provider_task_id)).state is ProviderState.CANCELED
    assert not await dashscope.cancel("never-made")


async def test_quotas_are_the_accounts_own(dashscope, emulator):
    kept = emulator.config.limits
    assert {quota.model: quota for quota in await dashscope.quotas()} == {
        model: Quota(model, kept.submits_per_second, kept.running, kept.queue) for model in (WAN, HAPPYHORSE)
    }


async def test_more_creates_than_the_account_may_make_are_throttled(media, edit):
    with Emulator(EmulatorConfig(port=0, effort="quick", limits=Limits(submits_per_second=2))) as slow:
        dashscope = DashScopeClient(KEY, slow.dashscope_base_url, "ap-southeast-1")
        answers = await asyncio.gather(*(dashscope.create(edit()) for _ in range(4)), return_exceptions=True)
        await dashscope.close()
    refused = [answer.failure.cause for answer in answers if isinstance(answer, CallFailed)]
    assert refused == [Cause.THROTTLED, Cause.THROTTLED]
