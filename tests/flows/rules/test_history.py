"""Whether a job is created (again), decided over every journal that can come about in three attempts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import product

import pytest

from flows.rules.budget import Cost
from flows.rules.failures import Cause
from flows.rules.history import (
    Attempt,
    BrokenHistory,
    Create,
    Follow,
    History,
    Over,
    Reconcile,
    Step,
    WaitForOwner,
)
from flows.rules.records import RECORD, Record
from flows.rules.states import JobState
from tests.flows.rules.making import NOON, OWNED, decided, intent, refused, settled, submitted, unanswered

BEFORE, AFTER = NOON + timedelta(seconds=1), NOON + OWNED
ATTEMPTS = 3
ENDINGS = (
    ("published", None),
    ("failed", Cause.PROVIDER_FAULT),
    ("failed", Cause.MODERATION),
    ("failed", None),
    ("expired", None),
    ("cancelled", None),
)
ESTIMATE = intent().estimate
BILL = Cost(amount=Decimal("7.37"), currency="CNY", estimated=False)
#: When a reader may look: clock, provider tasks allowed, whether the writer is known to be gone.
VIEWS = [*product((BEFORE, AFTER), (1, 2, 3), (False, True))]


@cache
def one_attempt(number: int) -> list[tuple[Record, ...]]:
    """Every set of records the protocol can leave for an attempt, its intent included."""
    begun = intent(number)
    ends = [settled(number, state, cause) for state, cause in ENDINGS]
    decisions = [decided(number, "recreate"), decided(number, "abandon")]
    # Answered by its owner; or adopted by another, with or without a late word of the owner.
    running = [(begun, *doubt, submitted(number)) for doubt in ((), (unanswered(number),), (refused(number),))]
    over = [(*records, end) for records in running for end in ends]
    undecided = [(begun,), (begun, unanswered(number)), (begun, refused(number)), *running, *over]
    return [*undecided, *((*records, decision) for records in undecided for decision in decisions)]


@dataclass(frozen=True)
class Seen:
    """A reachable journal, and what every view of it says is to be done."""

    journal: tuple[Record, ...]
    attempts: list[Attempt]
    steps: list[Step]

    @classmethod
    def of(cls, journal: tuple[Record, ...]) -> "Seen":
        history = History.of(journal)
        steps = [history.next_step(now, max_attempts=tasks, owner_is_gone=gone) for now, tasks, gone in VIEWS]
        return cls(journal, history.attempts, steps)

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]

    @property
    def creates(self) -> list[int]:
        return [s.attempt for s in self.steps if isinstance(s, Create)]


def journals() -> Iterator[Seen]:
    """Every journal that can come about: a further attempt begins only where some reader is told to create."""
    begun: list[tuple[Record, ...]] = [()]
    for number in range(1, ATTEMPTS + 1):
        seen = [Seen.of(journal + records) for journal in begun for records in one_attempt(number)]
        yield from seen
        begun = [each.journal for each in seen if each.creates]


def step(journal: tuple[Record, ...], now: datetime = BEFORE, tasks: int = 2, gone: bool = False) -> Step:
    return History.of(journal).next_step(now, max_attempts=tasks, owner_is_gone=gone)


def decided_again(attempt: Attempt) -> bool:
    return attempt.decided is not None and attempt.decided.decision == "recreate"


def abandoned(attempt: Attempt) -> bool:
    return attempt.decided is not None and attempt.decided.decision == "abandon"


def may_be_alive_or_paid(attempt: Attempt) -> bool:
    if attempt.settled:
        return attempt.settled.state in ("published", "expired")
    return attempt.submitted is not None or attempt.refused is None


@pytest.fixture(scope="module")
def reachable() -> list[Seen]:
    return list(journals())


def test_there_are_many_reachable_journals(reachable):
    assert len(reachable) > 10_000


def test_create_is_never_said_while_anything_runs_or_was_paid_unless_a_person_decided_so(reachable):
    for seen in reachable:
        if any(may_be_alive_or_paid(a) and not decided_again(a) for a in seen.attempts):
            assert not seen.creates, seen.journal


def test_what_a_person_gave_up_is_never_created_again(reachable):
    for seen in reachable:
        if abandoned(seen.last):
            assert all(isinstance(s, Over) for s in seen.steps), seen.journal


def test_the_number_of_failed_provider_tasks_never_exceeds_the_limit_unless_a_person_decided_so(reachable):
    for seen in reachable:
        if decided_again(seen.last) or not seen.last.settled:
            continue
        failed = sum(a.settled is not None and a.settled.state == "failed" for a in seen.attempts)
        for (_, tasks, _), said in zip(VIEWS, seen.steps, strict=True):
            assert not isinstance(said, Create) or failed < tasks, seen.journal


def test_a_new_attempt_always_has_the_next_number(reachable):
    for seen in reachable:
        assert set(seen.creates) <= {seen.last.number + 1}


def test_no_decision_creates_again_what_is_known_to_run_or_was_paid(reachable):
    for seen in reachable:
        settled_unpaid = seen.last.settled is not None and seen.last.settled.state in ("failed", "cancelled")
        if seen.last.submitted and not settled_unpaid:
            assert not seen.creates, seen.journal


def test_a_known_provider_task_is_followed_until_it_is_settled_or_given_up(reachable):
    for seen in reachable:
        follows = seen.last.submitted is not None and seen.last.settled is None and not abandoned(seen.last)
        assert all(isinstance(s, Follow) is follows for s in seen.steps), seen.journal


def test_only_a_post_without_any_answer_is_waited_for_or_reconciled(reachable):
    for seen in reachable:
        last = seen.last
        unsure = {type(s) for s in seen.steps} & {WaitForOwner, Reconcile}
        assert bool(unsure) is not any((last.submitted, last.refused, last.decided, last.settled)), seen.journal
        if last.unanswered:
            assert WaitForOwner not in unsure


def test_a_result_stays_the_end_whatever_is_read_later(reachable):
    for seen in reachable:
        if seen.last.settled and seen.last.settled.state == "published":
            assert {type(s) for s in seen.steps} == {Over}
            assert {s.state for s in seen.steps} == {JobState.PUBLISHED}


def test_the_order_records_are_read_in_does_not_matter(reachable):
    for seen in reachable[::29]:
        assert Seen.of(tuple(reversed(seen.journal))).steps == seen.steps


def test_the_step_does_not_change_when_records_are_written_and_read_back(reachable):
    for seen in reachable[::97]:
        read = tuple(RECORD.validate_json(RECORD.dump_json(record)) for record in seen.journal)
        assert Seen.of(read).steps == seen.steps


def test_an_empty_journal_means_create():
    assert step(()) == Create(1)


def test_the_owner_is_waited_for_until_it_has_certainly_given_up():
    assert step((intent(),), BEFORE) == WaitForOwner(AFTER)
    assert isinstance(step((intent(),), AFTER - timedelta(microseconds=1)), WaitForOwner)
    assert isinstance(step((intent(),), AFTER), Reconcile)


def test_an_owner_that_is_gone_is_not_waited_for():
    assert isinstance(step((intent(),), BEFORE, gone=True), Reconcile)


def test_an_owner_that_is_gone_left_no_doubt_about_what_it_wrote():
    assert isinstance(step((intent(), submitted()), gone=True), Follow)
    assert step((intent(), refused()), gone=True) == Create(2)


@pytest.mark.parametrize(("tasks", "expected"), [(1, Over), (2, Create), (3, Create)])
def test_a_passing_failure_is_tried_again_up_to_the_limit(tasks, expected):
    journal = (intent(), submitted(), settled(1, "failed", Cause.PROVIDER_FAULT))
    assert isinstance(step(journal, tasks=tasks), expected)


def test_refused_creates_do_not_count_as_provider_tasks():
    journal = (intent(1), refused(1), intent(2), submitted(2), settled(2, "failed", Cause.PROVIDER_FAULT))
    assert step(journal, tasks=2) == Create(3)


def test_a_lasting_failure_ends_the_job_however_many_tries_are_left():
    ended = step((intent(), submitted(), settled(1, "failed", Cause.MODERATION)), tasks=3)
    assert isinstance(ended, Over)
    assert ended.state is JobState.FAILED


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ((), JobState.PLANNED),
        ((intent(),), JobState.CREATING),
        ((intent(), unanswered()), JobState.HELD),
        ((intent(), refused()), JobState.FAILED),
        ((intent(), submitted()), JobState.RUNNING),
        ((intent(), unanswered(), submitted()), JobState.RUNNING),
        ((intent(), unanswered(), decided(1, "abandon")), JobState.ABANDONED),
        ((intent(), submitted(), settled()), JobState.PUBLISHED),
        ((intent(), submitted(), settled(1, "failed", Cause.PROVIDER_FAULT)), JobState.FAILED),
        ((intent(), submitted(), settled(1, "expired")), JobState.EXPIRED),
        ((intent(), submitted(), settled(1, "cancelled")), JobState.CANCELLED),
    ],
    ids=lambda value: value.value if isinstance(value, JobState) else "",
)
def test_people_see_where_the_job_stands(records, state):
    assert History.of(records).state(BEFORE) is state


@pytest.mark.parametrize("record", [submitted(2), refused(2), unanswered(2), decided(2), settled(2)])
def test_a_record_without_its_intent_is_a_broken_history(record):
    with pytest.raises(BrokenHistory, match="attempt 2 has no intent"):
        History.of([intent(1), record])


@pytest.mark.parametrize(
    ("records", "spent"),
    [
        ((), []),
        ((intent(),), [ESTIMATE]),
        ((intent(), unanswered()), [ESTIMATE]),
        ((intent(), unanswered(), decided(1, "abandon")), [ESTIMATE]),
        ((intent(), unanswered(), decided(), intent(2)), [ESTIMATE, ESTIMATE]),
        ((intent(), refused()), []),
        ((intent(), refused(), submitted()), [ESTIMATE]),
        ((intent(), submitted()), [ESTIMATE]),
        ((intent(), submitted(), settled()), [ESTIMATE]),
        ((intent(), submitted(), settled().model_copy(update={"cost": BILL})), [BILL]),
        ((intent(), submitted(), settled(1, "expired")), [ESTIMATE]),
        ((intent(), submitted(), settled(1, "failed", Cause.MODERATION)), []),
        ((intent(), submitted(), settled(1, "cancelled")), []),
        ((intent(), refused(), intent(2), submitted(2)), [ESTIMATE]),
    ],
)
def test_money_counts_from_when_it_may_be_spent_until_it_certainly_was_not(records, spent):
    assert History.of(records).committed() == spent


def test_an_answer_that_came_too_late_is_followed_beside_the_try_that_replaced_it():
    late = [intent(1), decided(1), submitted(1), intent(2), submitted(2)]
    assert step(late) == Follow(History.of(late).attempts[0])
    published = [*late, settled(1, "published")]
    assert step(published) == Follow(History.of(published).attempts[1])
    assert step([*published, settled(2, "failed")]) == Over(JobState.PUBLISHED, History.of(published).attempts[0])


def test_a_late_result_ends_the_job_though_its_replacement_was_refused():
    records = [intent(1), decided(1), submitted(1), settled(1, "published"), intent(2), refused(2)]
    assert step(records) == Over(JobState.PUBLISHED, History.of(records).attempts[0])
