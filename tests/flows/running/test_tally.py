"""What the steps of a run add up to."""

from decimal import Decimal

import pytest

from flows.rules.budget import Cost
from flows.running.progress import Lane, Stage, Step
from flows.running.tally import Tally

LANE = Lane("wan2.7-videoedit at dashscope", slots=2, run_seconds=60)
OTHER = Lane("happyhorse-1.0-video-edit at apiyi", slots=5, run_seconds=90)


def yuan(amount: int) -> Cost:
    return Cost(amount=Decimal(amount), currency="CNY")


@pytest.fixture
def tally() -> Tally:
    """Four planned jobs at 10 CNY each, that share two slots."""
    tally = Tally()
    for name in "abcd":
        tally.see(Step(name, f"job {name}", Stage.PLANNED, yuan(10), lane=LANE), 0)
    return tally


def go(tally: Tally, name: str, *stages: tuple[Stage, float]) -> None:
    for stage, now in stages:
        tally.see(Step(name, f"job {name}", stage), now)


def test_jobs_are_counted_where_they_are(tally):
    go(tally, "a", (Stage.WAITING, 1), (Stage.CREATING, 2), (Stage.RUNNING, 3))
    go(tally, "b", (Stage.FAILED, 3))
    assert tally.counts() == {Stage.RUNNING: 1, Stage.FAILED: 1, Stage.PLANNED: 2}
    assert (tally.alive(), tally.ended()) == (1, 1)


def test_money_is_spent_from_the_create_on_and_comes_back_when_it_fails(tally):
    assert (tally.spent(), tally.to_come()) == ([], [yuan(40)])
    go(tally, "a", (Stage.CREATING, 2))
    go(tally, "b", (Stage.CREATING, 2), (Stage.HELD, 5))
    go(tally, "c", (Stage.CREATING, 2), (Stage.FAILED, 5))
    assert (tally.spent(), tally.to_come()) == ([yuan(20)], [yuan(10)])
    tally.see(Step("a", "job a", Stage.DONE, Cost(amount=Decimal(7), currency="CNY", estimated=False)), 9)
    assert tally.spent() == [Cost(amount=Decimal(17), currency="CNY")]


def test_a_slot_is_held_from_the_create_until_the_provider_task_is_over(tally):
    go(tally, "a", (Stage.CREATING, 2), (Stage.PENDING, 3), (Stage.RUNNING, 4))
    go(tally, "b", (Stage.CREATING, 5))
    assert tally.lanes() == [(LANE, 2)]
    go(tally, "a", (Stage.PERSISTING, 60))
    go(tally, "c", (Stage.CREATING, 61))
    assert tally.lanes() == [(LANE, 2)]
    assert [(use.name, use.number, use.begin, use.end) for use in tally.uses] == [
        ("job a", 1, 2, 60),
        ("job b", 2, 5, None),
        ("job c", 1, 61, None),
    ]


def test_a_slot_that_was_given_back_remembers_how_its_job_ended(tally):
    go(tally, "a", (Stage.CREATING, 2), (Stage.PERSISTING, 60), (Stage.FAILED, 61))
    go(tally, "b", (Stage.CREATING, 2))
    assert [(use.end, use.then) for use in tally.uses] == [(60, Stage.FAILED), (None, None)]


def test_before_anything_ran_the_time_left_is_what_the_model_usually_takes(tally):
    assert tally.seconds_left(0) == 4 * 60 / 2


def test_the_time_left_follows_what_jobs_of_this_run_took(tally):
    go(tally, "a", (Stage.CREATING, 0), (Stage.PERSISTING, 20))
    go(tally, "b", (Stage.CREATING, 0), (Stage.PERSISTING, 20), (Stage.DONE, 21))
    usual = (3 * 60 + 20 + 20) / 5
    assert tally.seconds_left(21) == 2 * usual / 2


def test_the_time_left_never_reaches_zero_while_a_job_runs(tally):
    for name in "abc":
        go(tally, name, (Stage.DONE, 1))
    go(tally, "d", (Stage.RUNNING, 0))
    assert tally.seconds_left(50) == 10
    assert tally.seconds_left(500) == 9
    go(tally, "d", (Stage.PERSISTING, 600), (Stage.DONE, 601))
    assert tally.seconds_left(601) == 0


def test_the_slowest_account_decides_about_the_time_left(tally):
    tally.see(Step("e", "job e", Stage.PLANNED, yuan(1), lane=OTHER), 0)
    assert tally.seconds_left(0) == 120
    for name in "abcd":
        go(tally, name, (Stage.DONE, 1))
    assert tally.seconds_left(1) == 90


def test_the_time_left_is_not_guessed_of_jobs_whose_slots_are_unknown():
    tally = Tally()
    tally.see(Step("a", "job a", Stage.PLANNED), 0)
    assert tally.seconds_left(0) is None


def test_a_failed_create_teaches_nothing_about_run_times(tally):
    go(tally, "a", (Stage.CREATING, 0), (Stage.FAILED, 1))
    assert tally.seconds_left(1) == 3 * 60 / 2


def test_problems_are_kept_in_order(tally):
    tally.see(Step("a", "job a", Stage.FAILED, message="no"), 1)
    tally.see(Step("b", "job b", Stage.HELD, message="who knows"), 2)
    assert tally.problems == [("job a", "no"), ("job b", "who knows")]
