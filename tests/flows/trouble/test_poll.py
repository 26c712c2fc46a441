"""Looks that go wrong: nothing but the provider task's end ends it, and what was made is never given up."""

from typing import Any

import pytest

from flows.rules.states import JobState
from tests.flows.trouble.desk import Desk, fault

pytestmark = pytest.mark.usefixtures("impatient")

PROVIDERS = ["dashscope", "apiyi"]
HOURS = 3600.0

#: Looks that tell nothing, or something that is not so.
TROUBLE: dict[str, dict[str, Any]] = {
    "429": {"kind": "answer", "status": 429, "code": "Throttling.RateQuota", "message": "too fast"},
    "429 for ever": {"kind": "answer", "status": 429, "headers": {"Retry-After": "1e12"}},
    "500": {"kind": "answer", "status": 500},
    "404": {"kind": "answer", "status": 404, "code": "NotFound", "message": "no such task"},
    "reset": {"kind": "reset"},
    "truncated": {"kind": "garble", "how": "truncated"},
    "html": {"kind": "garble", "how": "html"},
    "duplicate keys": {"kind": "garble", "how": "duplicate_keys"},
    "gzip label": {"kind": "answer", "status": 500, "headers": {"Content-Encoding": "gzip"}},
    "new word": {"kind": "report", "status": "POLISHING"},
    "unknown": {"kind": "report", "status": "UNKNOWN"},
    "no link": {"kind": "report", "status": "SUCCEEDED", "without_url": True},
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_looks_that_tell_nothing_are_repeated(desk: Desk, trouble: str):
    desk.fault(fault("get", times=2, **TROUBLE[trouble]))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert desk.asked("get") >= 3
    assert len(desk.made()) == 1


@pytest.mark.parametrize("trouble", ["429", "html", "unknown", "no link"])
def test_looks_at_apiyi_are_repeated_too(desk: Desk, trouble: str):
    desk.fault(fault("get", times=2, **TROUBLE[trouble]))
    job = desk.edit(provider="apiyi")

    assert job.state is JobState.PUBLISHED
    assert len(desk.made()) == 1


def test_a_status_that_goes_backwards_is_looked_at_again(desk: Desk):
    words = [("RUNNING", [1]), ("PENDING", [2]), ("SUSPENDED", [3])]
    desk.fault(*(fault("get", "report", status=word, nth=nth) for word, nth in words))

    assert desk.edit().state is JobState.PUBLISHED
    assert len(desk.made()) == 1


@pytest.mark.parametrize("trouble", ["500", "unknown", "no link"])
def test_a_provider_that_cannot_tell_for_half_an_hour_stops_the_looking_but_loses_nothing(
    desk: Desk, trouble: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flows.stages.poll.PATIENCE_SECONDS", 20.0)
    desk.fault(fault("get", **TROUBLE[trouble]))
    left = desk.edit()
    desk.fault()
    job = desk.edit()

    assert left.state is JobState.RUNNING
    assert left.error is not None
    assert left.provider_task_id in left.error.message
    assert "without another create" in left.error.advice
    assert (job.state, job.created) == (JobState.PUBLISHED, False)
    assert len(desk.made()) == 1


def test_a_provider_that_refuses_to_be_asked_is_told_with_what_becomes_of_the_money(desk: Desk):
    desk.fault(fault("get", "answer", status=401, code="InvalidApiKey", message="Invalid API-key provided."))
    left = desk.edit()
    desk.fault()

    assert left.state is JobState.RUNNING
    assert left.error is not None
    assert "is billed once if it succeeds" in left.error.message
    assert desk.edit().state is JobState.PUBLISHED
    assert len(desk.made()) == 1


def test_an_id_the_provider_forgot_after_a_day_is_expired_and_not_created_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    desk.fault(fault("get", "answer", status=401, code="InvalidApiKey", message="Invalid API-key provided."))
    desk.edit()
    desk.fault()
    desk.emulator.advance(25 * HOURS)
    # By our clock the day has passed as well.
    monkeypatch.setenv("RECUT_CLOCK_SCALE", str(10 * 24 * HOURS))
    job = desk.edit()

    assert job.state is JobState.EXPIRED
    assert job.error is not None
    assert "older than 24 hours" in job.error.message
    assert desk.edit().state is JobState.EXPIRED
    assert desk.asked("create") == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("code", ["InternalError.Timeout", "InternalError.Algo", ""])
def test_a_provider_task_that_failed_for_a_passing_reason_is_created_once_more(desk: Desk, provider: str, code: str):
    desk.fault(fault("create", "fate", ends="failed", code=code, message="failed" if code else "", times=1))
    job = desk.edit(provider=provider)

    assert job.state is JobState.PUBLISHED
    assert [task.status for task in desk.made()] == ["FAILED", "SUCCEEDED"]
    assert [task.provider_task_id for task in desk.billed()] == [job.provider_task_id]


def test_a_provider_task_that_keeps_failing_is_created_as_often_as_allowed_and_not_again_by_the_next_run(desk: Desk):
    desk.fault(fault("create", "fate", ends="failed", code="InternalError.Timeout", message="timed out"))
    job = desk.edit()
    again = desk.edit()

    assert job.state is again.state is JobState.FAILED
    assert job.error is not None
    assert "not billed" in job.error.message
    assert "raise its take" in job.error.advice
    assert desk.asked("create") == 2
    assert desk.billed() == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_moderation_failed_is_not_created_again_but_another_take_is(desk: Desk, provider: str):
    green_net = "Output data may contain inappropriate content."
    desk.fault(fault("create", "fate", ends="failed", code="DataInspectionFailed", message=green_net, times=1))
    job = desk.edit(provider=provider)
    again = desk.edit(provider=provider)
    other = desk.edit(provider=provider, take=2)

    assert job.state is again.state is JobState.FAILED
    assert again.error is not None
    assert again.error.code == "DataInspectionFailed"
    assert other.state is JobState.PUBLISHED
    assert desk.asked("create", provider) == 2
    assert [task.provider_task_id for task in desk.billed()] == [other.provider_task_id]


def test_a_provider_task_that_never_starts_is_followed_to_the_providers_own_wall_and_tried_once_more(desk: Desk):
    desk.fault(fault("create", "fate", ends="stays_pending", times=1))

    def three_hours_pass() -> None:
        desk.emulator.wait(operation="get", count=3)
        desk.emulator.advance(3 * HOURS + 1)

    job = desk.meanwhile("turn it into claymation", three_hours_pass)

    assert job.state is JobState.PUBLISHED
    assert [task.status for task in desk.made()] == ["FAILED", "SUCCEEDED"]
    assert desk.made()[0].code == "InternalError.Timeout"


def test_what_was_cancelled_at_the_provider_is_not_created_again(desk: Desk):
    desk.fault(fault("get", "report", status="CANCELED"))

    assert desk.edit().state is JobState.CANCELLED
    assert desk.edit().state is JobState.CANCELLED
    assert desk.asked("create") == 1
