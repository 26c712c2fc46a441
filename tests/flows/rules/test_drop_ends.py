"""A drop in trouble is looked at again when something has changed, or when time may have mended it."""

from datetime import timedelta

import pytest

from flows.rules.drop_ends import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Remedy,
    Trouble,
    Why,
    is_due,
    most,
    remedy_for,
    trouble,
)
from flows.rules.failures import Cause
from flows.rules.history import Attempt, Create, Over, Step
from flows.rules.states import JobState
from tests.flows.rules.making import NOON, failure, intent

WHY = [Why(about="video", message="is broken", advice="give another")]
OVER = Over(JobState.FAILED, Attempt(1, intent()))


def in_trouble(remedy: Remedy, before: Trouble | None = None, **known: dict[str, list[str]]) -> Trouble:
    return trouble("a.mp4", remedy, WHY, before=before, now=NOON, held=known.get("held", {}), named={"coat.png": "v1"})


@pytest.mark.parametrize("remedy", Remedy)
def test_unchanged_it_is_left_alone_for_a_while_and_not_for_ever(remedy: Remedy) -> None:
    found = in_trouble(remedy)
    now = {"coat.png": "v1"}
    assert not is_due(found, NOON + timedelta(seconds=FIRST_PAUSE_SECONDS - 1), {}, now)
    assert is_due(found, NOON + timedelta(seconds=LONGEST_PAUSE_SECONDS), {}, now)


def test_what_time_mends_is_tried_after_ever_longer_pauses() -> None:
    pauses, found = [], None
    for _ in range(9):
        found = in_trouble(Remedy.TIME, found)
        pauses.append((found.again_at - NOON).total_seconds())
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_another_trouble_begins_with_the_short_pause() -> None:
    assert in_trouble(Remedy.TIME, in_trouble(Remedy.CHANGE)).tries == 1


def test_a_new_record_of_a_held_job_makes_it_due() -> None:
    found = in_trouble(Remedy.DECISION, held={"k": ["001-intent", "001-unanswered"]})
    now = {"coat.png": "v1"}
    assert not is_due(found, NOON, {"k": ["001-unanswered", "001-intent"]}, now)
    assert is_due(found, NOON, {"k": ["001-decided", "001-intent", "001-unanswered"]}, now)


@pytest.mark.parametrize("now", [{"coat.png": "v2"}, {}])
def test_a_change_of_what_its_instructions_name_makes_it_due(now: dict[str, str]) -> None:
    assert is_due(in_trouble(Remedy.CHANGE), NOON, {}, now)


@pytest.mark.parametrize(
    ("state", "step", "cause", "about_settings", "remedy"),
    [
        (JobState.HELD, OVER, None, False, Remedy.DECISION),
        (JobState.RUNNING, OVER, None, False, Remedy.TIME),
        (JobState.FAILED, Create(2), Cause.BILLING, True, Remedy.TIME),
        (JobState.FAILED, Create(2), Cause.THROTTLED, False, Remedy.TIME),
        (JobState.FAILED, Create(1), None, False, Remedy.TIME),
        (JobState.FAILED, Create(2), Cause.INVALID, False, Remedy.CHANGE),
        (JobState.FAILED, Create(2), Cause.MODERATION, False, Remedy.CHANGE),
        (JobState.FAILED, OVER, None, False, Remedy.CHANGE),
        (JobState.EXPIRED, OVER, None, False, Remedy.CHANGE),
        (JobState.ABANDONED, OVER, None, False, Remedy.CHANGE),
    ],
)
def test_what_it_takes(state: JobState, step: Step, cause: Cause | None, about_settings: bool, remedy: Remedy) -> None:
    refused = failure(cause) if cause else None
    assert remedy_for(state, step, refused, about_settings=about_settings) is remedy


def test_a_drop_of_several_jobs_is_taken_up_again_with_the_first_that_may_go_on() -> None:
    assert most([Remedy.CHANGE, Remedy.TIME, Remedy.DECISION]) is Remedy.TIME
    assert most([Remedy.CHANGE, Remedy.DECISION]) is Remedy.DECISION
