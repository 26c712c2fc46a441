"""What to do next with a job, from its journal records alone. This is where "never twice" is decided."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from flows.rules.budget import Cost
from flows.rules.failures import may_recreate
from flows.rules.records import Decided, Intent, Record, Refused, Settled, Submitted, Unanswered
from flows.rules.states import JobState


@dataclass
class Attempt:
    """One try of a job: its intent and what became of it."""

    number: int
    intent: Intent
    submitted: Submitted | None = None
    refused: Refused | None = None
    unanswered: Unanswered | None = None
    decided: Decided | None = None
    settled: Settled | None = None

    @property
    def is_unanswered(self) -> bool:
        """Whether nobody knows what its POST made, whatever was decided about it."""
        return not (self.submitted or self.refused or self.settled)

    @property
    def is_wanted_again(self) -> bool:
        """Whether it was decided to create the job again, whatever became of this attempt."""
        return self.decided is not None and self.decided.decision == "recreate"

    @property
    def is_under_way(self) -> bool:
        """Whether it has a provider task that is neither settled nor given up.

        Also when it was to be created again: that was decided while nobody knew of this provider task.
        """
        given_up = self.decided is not None and not self.is_wanted_again
        return self.submitted is not None and self.settled is None and not given_up

    def committed(self) -> Cost | None:
        """Returns what this attempt has cost or may still cost, None when that is nothing."""
        if self.refused and not self.submitted:
            return None
        if self.settled and self.settled.state in ("failed", "cancelled"):
            return None
        return self.settled.cost if self.settled and self.settled.cost else self.intent.estimate


@dataclass(frozen=True)
class Create:
    """Nothing runs and nothing was paid: claim this attempt and post."""

    attempt: int


@dataclass(frozen=True)
class Follow:
    """A provider task exists: poll it and fetch its result."""

    attempt: Attempt


@dataclass(frozen=True)
class WaitForOwner:
    """Another process owns the POST and may still be at it: read again after ``until``."""

    until: datetime


@dataclass(frozen=True)
class Reconcile:
    """A POST was or may have been sent and its answer is lost: find out, never post."""

    attempt: Attempt


@dataclass(frozen=True)
class Over:
    """The job is settled; nothing is to be done."""

    state: JobState
    attempt: Attempt


Step = Create | Follow | WaitForOwner | Reconcile | Over


class BrokenHistory(ValueError):
    """The records contradict each other: somebody changed the journal by hand."""


@dataclass
class History:
    """The attempts of one job, oldest first."""

    attempts: list[Attempt] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Record]) -> "History":
        """Orders records into attempts.

        Raises:
            BrokenHistory: A record belongs to an attempt that has no intent.
        """
        attempts: dict[int, Attempt] = {}
        others: list[Record] = []
        for record in records:
            if isinstance(record, Intent):
                attempts[record.attempt] = Attempt(record.attempt, record)
            else:
                others.append(record)
        for record in others:
            if record.attempt not in attempts:
                raise BrokenHistory(f"a {record.kind} record of attempt {record.attempt} has no intent")
            setattr(attempts[record.attempt], record.kind, record)
        return cls([attempts[number] for number in sorted(attempts)])

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    def of_attempt(self, number: int) -> Attempt:
        """Returns the attempt of a number.

        Raises:
            KeyError: There is none.
        """
        return {attempt.number: attempt for attempt in self.attempts}[number]

    def committed(self) -> list[Cost]:
        """Returns what this job has cost or may still cost for what was sent so far, one amount per attempt.

        A refused, failed or cancelled attempt costs nothing; one whose outcome is unknown may cost its estimate.
        """
        return [cost for attempt in self.attempts if (cost := attempt.committed()) is not None]

    def next_step(self, now: datetime, *, max_attempts: int, owner_is_gone: bool = False) -> Step:
        """Returns the one thing to do next.

        Args:
            now: The reader's clock, UTC.
            max_attempts: How many provider tasks one job may have in all while they FAIL for a passing reason.
            owner_is_gone: Whether the process that wrote the last intent certainly no longer runs.
        """
        attempt = self.last
        if attempt is None:
            return Create(1)
        # An answer that came after it was decided to create again left two provider tasks: both are fetched.
        followed = next((earlier for earlier in self.attempts if earlier.is_under_way), None)
        if followed is not None:
            return Follow(followed)
        published = next((a for a in self.attempts if a.settled and a.settled.state == "published"), None)
        if published is not None:
            return Over(JobState.PUBLISHED, published)
        if attempt.settled:
            failure = attempt.settled.failure
            failed = [a for a in self.attempts if a.settled and a.settled.state == "failed"]
            unpaid = attempt.settled.state in ("failed", "cancelled")
            retry = attempt.decided is None and attempt.settled.state == "failed" and failure and may_recreate(failure)
            if (attempt.is_wanted_again and unpaid) or (retry and len(failed) < max_attempts):
                return Create(attempt.number + 1)
            return Over(JobState(attempt.settled.state), attempt)
        if attempt.decided and not attempt.is_wanted_again:
            return Over(JobState.ABANDONED, attempt)
        if attempt.refused or attempt.is_wanted_again:
            return Create(attempt.number + 1)
        if attempt.unanswered or owner_is_gone or now >= attempt.intent.not_after:
            return Reconcile(attempt)
        return WaitForOwner(attempt.intent.not_after)

    def state(self, now: datetime, *, owner_is_gone: bool = False) -> JobState:
        """Returns where the job stands, for people; the arguments are those of `next_step`."""
        match self.next_step(now, max_attempts=0, owner_is_gone=owner_is_gone):
            case Create():
                is_planned = self.last is None or self.last.is_wanted_again
                return JobState.PLANNED if is_planned else JobState.FAILED
            case Follow():
                return JobState.RUNNING
            case WaitForOwner():
                return JobState.CREATING
            case Reconcile():
                return JobState.HELD
            case Over(state=state):
                return state
