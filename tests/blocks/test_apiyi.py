"""APIYI's client: DashScope's create under its own prefix, polls in its own flat words, and its wrong gzip label."""

import gzip
import json
from dataclasses import replace

import pytest

from blocks.clients.apiyi import ApiyiClient
from blocks.clients.provider import EditRequest
from blocks.clients.transport import CallFailed
from deployments.emulator import HAPPYHORSE, Emulator, EmulatorConfig, Fate, Fault, Report
from flows.rules.failures import Cause, Outcome, create_outcome
from flows.rules.states import ProviderState
from tests.conftest import KEY, RUN_SECONDS
from tests.recorder import Reply

pytestmark = pytest.mark.anyio

REQUEST = EditRequest(
    model=HAPPYHORSE,
    prompt="claymation",
    negative_prompt=None,
    video="https://clips.example/a.mp4",
    reference_images=("data:image/png;base64,AAAA",),
    parameters={"resolution": "720P", "watermark": False},
)
ACCEPTED = json.dumps({"output": {"task_id": "hh-1", "task_status": "PENDING"}, "request_id": "r"}).encode()


async def test_a_create_goes_to_the_gateways_own_prefix_and_asks_for_no_compression(recorder, recorded_apiyi):
    recorder.reply = lambda _: Reply(body=ACCEPTED)
    created = await recorded_apiyi.create(REQUEST)
    assert (created.provider_task_id, created.request_id) == ("hh-1", "r")
    (asked,) = recorder.asked
    assert (asked.method, asked.path) == ("POST", "/wan/api/v1/services/aigc/video-generation/video-synthesis")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["x-dashscope-async"] == "enable"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.json == {
        "model": HAPPYHORSE,
        "input": {
            "prompt": "claymation",
            "media": [
                {"type": "video", "url": "https://clips.example/a.mp4"},
                {"type": "reference_image", "url": "data:image/png;base64,AAAA"},
            ],
        },
        "parameters": {"resolution": "720P", "watermark": False},
    }


async def test_a_look_goes_to_another_prefix_and_keeps_ids_of_any_shape(recorder, recorded_apiyi):
    recorder.reply = lambda _: Reply(body=b'{"status": "in_progress", "progress": 30}')
    assert (await recorded_apiyi.get("hh-1/2?3")).state is ProviderState.RUNNING
    (asked,) = recorder.asked
    assert (asked.method, asked.path) == ("GET", "/v1/tasks/hh-1%2F2%3F3")
    assert asked.headers["accept-encoding"] == "identity"
    assert "x-dashscope-async" not in asked.headers


@pytest.mark.parametrize("body", [ACCEPTED, gzip.compress(ACCEPTED)], ids=["plain", "gzip"])
@pytest.mark.parametrize("label", ["gzip", ""])
async def test_a_body_is_read_for_what_it_is_whatever_its_label_says(recorder, recorded_apiyi, body, label):
    recorder.reply = lambda _: Reply(body=body, headers={"Content-Encoding": label} if label else {})
    assert (await recorded_apiyi.create(REQUEST)).provider_task_id == "hh-1"


async def test_an_edit_is_followed_from_create_to_result(apiyi, emulator, edit):
    created = await apiyi.create(edit(model=HAPPYHORSE))
    assert created.provider_task_id.startswith("hh-")
    assert not (await apiyi.get(created.provider_task_id)).state.is_final
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED")
    over = await apiyi.get(created.provider_task_id)
    assert over.state is ProviderState.SUCCEEDED
    assert over.result_url is not None and ".mp4?Expires=" in over.result_url


@pytest.mark.parametrize("key", ["error", "fail_reason"])
async def test_a_failed_provider_task_gives_the_vendors_bracketed_code(edit, key):
    failed = Fate(ends="failed", code="InvalidImageUrl", message="cannot be fetched", run_seconds=0)
    config = EmulatorConfig(
        port=0, effort="quick", apiyi_failure_key=key, faults=[Fault(operation="create", does=failed)]
    )
    with Emulator(config) as emulator:
        client = ApiyiClient(KEY, emulator.apiyi_base_url)
        created = await client.create(edit())
        emulator.wait(status="FAILED")
        over = await client.get(created.provider_task_id)
        await client.close()
    assert over.state is ProviderState.FAILED and over.failure is not None
    assert (over.failure.cause, over.failure.code) == (Cause.MEDIA_UNREACHABLE, "InvalidImageUrl")
    assert over.failure.message == "cannot be fetched"


@pytest.mark.parametrize(
    ("body", "cause", "code"),
    [
        ({"error": "[InvalidParameter] no"}, Cause.INVALID, "InvalidParameter"),
        ({"error": {"message": "sensitive words"}}, Cause.MODERATION, "NoReason"),
        ({"error": {"code": "InternalError.Timeout", "message": "3 h"}}, Cause.TIMED_OUT, "InternalError.Timeout"),
        ({"error": None, "fail_reason": ""}, Cause.UNEXPLAINED, "NoReason"),
        ({"code": "success"}, Cause.UNEXPLAINED, "NoReason"),
        ({}, Cause.UNEXPLAINED, "NoReason"),
    ],
)
async def test_a_reason_is_found_in_any_shape(recorder, recorded_apiyi, body, cause, code):
    recorder.reply = lambda _: Reply(body=json.dumps({"status": "failed", **body}).encode())
    over = await recorded_apiyi.get("hh-1")
    assert over.failure is not None
    assert (over.failure.cause, over.failure.code) == (cause, code)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("submitted", ProviderState.PENDING),
        ("in_progress", ProviderState.RUNNING),
        ("completed", ProviderState.SUCCEEDED),
        ("UNKNOWN", ProviderState.UNKNOWN),
        ("thinking", ProviderState.RUNNING),
    ],
)
async def test_the_gateways_words_are_read(recorder, recorded_apiyi, word, state):
    recorder.reply = lambda _: Reply(body=json.dumps({"status": word}).encode())
    assert (await recorded_apiyi.get("hh-1")).state is state


async def test_success_without_an_address_has_no_result(apiyi, emulator, edit):
    created = await apiyi.create(edit())
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED")
    emulator.set_faults([Fault(operation="get", does=Report(without_url=True))])
    over = await apiyi.get(created.provider_task_id)
    assert (over.state, over.result_url) == (ProviderState.SUCCEEDED, None)


async def test_an_id_older_than_a_day_is_unknown_and_no_error(apiyi, emulator, edit):
    created = await apiyi.create(edit())
    emulator.advance(25 * 3600)
    assert (await apiyi.get(created.provider_task_id)).state is ProviderState.UNKNOWN


async def test_looks_that_follow_too_fast_are_throttled(apiyi, emulator, edit):
    created = await apiyi.create(edit())
    await apiyi.get(created.provider_task_id)
    with pytest.raises(CallFailed) as caught:
        await apiyi.get(created.provider_task_id)
    assert caught.value.failure.cause is Cause.THROTTLED


async def test_a_look_without_a_status_is_nonsense(recorder, recorded_apiyi):
    with pytest.raises(CallFailed) as caught:
        await recorded_apiyi.get("hh-1")
    assert caught.value.failure.cause is Cause.NONSENSE


async def test_a_body_the_gateway_cannot_parse_is_refused_by_it(apiyi, emulator, edit):
    wrong = replace(edit(), parameters={"resolution": "720P", "duration": "5"})
    with pytest.raises(CallFailed) as caught:
        await apiyi.create(wrong)
    failure = caught.value.failure
    assert (failure.cause, failure.code, failure.status) == (Cause.INVALID, "parse_request_failed", 400)
    assert "cannot unmarshal string" in failure.message
    assert create_outcome(failure) is Outcome.REFUSED
    assert emulator.audit() == []


async def test_missing_media_answered_as_a_server_error_leave_the_outcome_open(apiyi, edit):
    with pytest.raises(CallFailed) as caught:
        await apiyi.create(replace(edit(), reference_images=()))
    failure = caught.value.failure
    assert (failure.code, failure.status) == ("InvalidParameter", 500)
    assert create_outcome(failure) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Rate limit exceeded, please try again later.", Cause.THROTTLED),
        ("insufficient balance", Cause.BILLING),
        ("用户额度不足", Cause.BILLING),
    ],
)
async def test_too_many_requests_may_mean_no_money(recorder, recorded_apiyi, message, cause):
    body = {"error": {"message": message, "type": "new_api_error", "code": ""}}
    recorder.reply = lambda _: Reply(429, json.dumps(body).encode())
    with pytest.raises(CallFailed) as caught:
        await recorded_apiyi.create(REQUEST)
    assert caught.value.failure.cause is cause
