"""Which provider task, if any, is the answer to a create that got none."""

from datetime import timedelta

import pytest

from flows.rules.reconcile import CLOCK_SKEW, Adopt, Anchor, Candidate, Lost, NoneFound, Several, in_window, match
from tests.flows.rules.making import NOON, OWNED, intent

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def lost(until: timedelta = SECOND, **fields: object) -> Lost:
    made = intent(**fields)
    return Lost(made, made.at + until)


def listed(name: str, prompt: str = "make it clay") -> Candidate:
    return Candidate(name, NOON, prompt)


def test_exactly_one_with_the_same_prompt_is_adopted():
    found = match(lost(), [listed("other", "something else"), listed("mine")], rivals=[])
    assert found == Adopt("mine")


@pytest.mark.parametrize("candidates", [[], [listed("other", "make it clay!")], [listed("other", "MAKE IT CLAY")]])
def test_none_is_found_when_no_prompt_is_the_same(candidates):
    assert match(lost(), candidates, rivals=[]) == NoneFound()


def test_two_with_the_same_prompt_cannot_be_told_apart():
    assert match(lost(), [listed("one"), listed("two")], rivals=[]) == Several(2)


def test_one_cannot_be_told_from_a_rivals_with_the_same_prompt():
    assert match(lost(), [listed("whose?")], rivals=[lost(job_key="r" * 32)]) == Several(2)


def test_rivals_with_other_prompts_do_not_matter():
    rivals = [lost(prompt="make it wool", job_key="r" * 32)]
    assert match(lost(), [listed("mine")], rivals) == Adopt("mine")


def test_a_rival_takes_nothing_when_nothing_fits():
    assert match(lost(), [], rivals=[lost(job_key="r" * 32)]) == NoneFound()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_larger_side_is_reported(count):
    same = [listed(str(number)) for number in range(count)]
    rivals = [lost(job_key=f"{number:032}") for number in range(count)]
    assert match(lost(), same, rivals=rivals[:1]) == Several(count)
    assert match(lost(), same[:1], rivals=rivals) == Several(count + 1)


@pytest.mark.parametrize("echo", [" make it  clay", "make it\nclay\n", "make\tit clay"])
def test_white_space_the_provider_changed_does_not_hide_a_prompt(echo):
    assert match(lost(), [listed("mine", echo)], rivals=[]) == Adopt("mine")


def test_jobs_without_prompt_match_only_provider_tasks_without_prompt():
    assert match(lost(prompt=""), [listed("mine", ""), listed("other")], rivals=[]) == Adopt("mine")
    assert match(lost(prompt=""), [listed("one", ""), listed("two", "")], rivals=[]) == Several(2)


@pytest.mark.parametrize(
    ("offset", "inside"),
    [
        (-CLOCK_SKEW - SECOND, False),
        (-CLOCK_SKEW, True),
        (-MINUTE, True),
        (SECOND, True),
        (OWNED, True),
        (OWNED + CLOCK_SKEW, True),
        (OWNED + CLOCK_SKEW + SECOND, False),
        (timedelta(hours=20), False),
    ],
    ids=str,
)
def test_a_provider_task_can_be_the_answer_only_around_the_time_of_the_post(offset, inside):
    assert in_window(intent(), NOON + offset, clock_scale=1) is inside


def test_a_clock_set_to_the_wrong_season_does_not_hide_a_provider_task():
    assert in_window(intent(), NOON - timedelta(hours=1), clock_scale=1)
    assert in_window(intent(), NOON + timedelta(hours=1), clock_scale=1)


def test_an_emulated_providers_clock_may_run_far_ahead_but_not_behind():
    assert in_window(intent(), NOON + timedelta(days=2), clock_scale=600)
    assert not in_window(intent(), NOON - timedelta(hours=2), clock_scale=600)


def test_a_provider_task_without_echo_may_be_anybodys():
    assert match(lost(), [Candidate("mute", NOON, None)], rivals=[]) == Several(1)


def test_an_echo_of_the_very_prompt_goes_before_a_provider_task_without_one():
    assert match(lost(), [Candidate("mute", NOON, None), listed("mine")], rivals=[]) == Adopt("mine")


def answered(sent: timedelta, provider_time: timedelta) -> Anchor:
    return Anchor(NOON + sent, NOON + sent + SECOND, NOON + provider_time)


def at(name: str, provider_time: timedelta) -> Candidate:
    return Candidate(name, NOON + provider_time, "make it clay")


def test_equal_prompts_are_told_apart_by_what_was_answered_around_them():
    # The provider's clock runs an hour ahead; one create was answered before ours was sent, one sent after it.
    hour = timedelta(hours=1)
    anchors = [answered(-MINUTE, hour - MINUTE), answered(MINUTE, hour + MINUTE)]
    candidates = [at("earlier", hour - 2 * MINUTE), at("mine", hour), at("later", hour + 2 * MINUTE)]
    assert match(lost(), candidates, [], anchors) == Adopt("mine")


def test_a_rival_of_another_time_does_not_contest():
    rival = Lost(intent(job_key="r" * 32, at=NOON + 10 * MINUTE), NOON + 11 * MINUTE)
    anchors = [answered(5 * MINUTE, 5 * MINUTE)]
    assert match(lost(), [at("mine", timedelta(0))], [rival], anchors) == Adopt("mine")


def test_creates_that_overlap_prove_no_order():
    overlapping = Anchor(NOON - MINUTE, NOON + MINUTE, NOON + MINUTE)
    assert match(lost(), [at("one", timedelta(0)), at("two", 2 * MINUTE)], [], [overlapping]) == Several(2)
