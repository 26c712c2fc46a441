"""Results that arrive broken: fetched again, checked, published whole; never paid for twice."""

from typing import Any

import pytest

from flows.rules.states import JobState
from tests.flows.trouble.desk import Desk, fault
from tests.recorder import Recorder, Reply

pytestmark = pytest.mark.usefixtures("impatient")

FLAWS = ["truncated", "short_length", "expired", "xml", "html", "empty", "not_video", "wrong_crc", "redirect", "slow"]


@pytest.mark.parametrize("how", FLAWS)
def test_a_result_that_arrives_broken_is_fetched_again(desk: Desk, how: str):
    desk.fault(fault("result", "file", how=how, times=1))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert len(desk.published()) == 1
    assert desk.asked("create") == 1


def test_a_reset_in_the_middle_of_everything_costs_nothing(desk: Desk):
    desk.fault(fault("result", "reset", times=2), fault("result", "file", how="truncated", nth=[3, 4]))

    assert desk.edit().state is JobState.PUBLISHED
    assert desk.asked("create") == 1


def test_an_expired_link_is_replaced_by_a_fresh_one(desk: Desk):
    desk.fault(fault("result", "file", how="expired", times=2))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    # Each refusal asked for a fresh link: a look that the way to the end did not need.
    assert desk.asked("get") >= 3


@pytest.mark.parametrize("how", ["wrong_crc", "empty"])
def test_a_result_that_is_never_what_it_should_be_is_left_at_the_provider_for_the_next_run(desk: Desk, how: str):
    desk.fault(fault("result", "file", how=how))
    left = desk.edit()
    desk.fault()
    job = desk.edit()

    assert left.state is JobState.RUNNING
    assert left.error is not None
    assert "its result stays at the provider for 24 hours" in left.error.message
    assert (job.state, job.created) == (JobState.PUBLISHED, False)
    assert desk.asked("create") == 1


def test_a_result_of_the_wrong_length_is_published_with_a_note(desk: Desk):
    desk.fault(fault("result", "file", how="wrong_duration"))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert any("3.0 s were asked for" in note for note in desk.sidecar(job)["notes"])


def test_neither_the_result_host_nor_where_it_redirects_to_ever_sees_the_key(desk: Desk, recorder: Recorder):
    elsewhere = desk.media.clip.read_bytes()
    recorder.reply = lambda asked: Reply(200, elsewhere)
    desk.fault(fault("result", "file", how="redirect", to=recorder.url))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert recorder.asked
    # The emulator's own host refuses a download that carries a key; here nobody would.
    assert all("authorization" not in asked.headers for asked in recorder.asked)


@pytest.mark.parametrize("provider", ["dashscope", "apiyi"])
def test_the_sidecar_tells_what_the_provider_billed(desk: Desk, provider: str):
    job = desk.edit(provider=provider)
    [task] = desk.billed()
    told: dict[str, Any] = desk.sidecar(job)

    assert told["provider_task_id"] == task.provider_task_id
    if provider == "dashscope":
        assert told["cost"]["amount"] == pytest.approx(task.cost, abs=1e-3)
        assert told["cost"]["currency"] == task.currency
    else:
        assert told["cost"] is None
