"""What is remembered of a drop that is over or in trouble, and when one in trouble is looked at again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from flows.rules.failures import Cause, Failure
from flows.rules.history import Create, Step
from flows.rules.states import JobState

#: What passes by itself is tried again after this long, then after twice as long, and so on; real seconds.
FIRST_PAUSE_SECONDS = 600.0
#: What a person has to mend is looked at again this often all the same: settings and rights mend drops too.
LONGEST_PAUSE_SECONDS = 6 * 3600.0
_OF_THE_INPUT = frozenset({Cause.INVALID, Cause.MODERATION})


class Remedy(StrEnum):
    """What it takes for a drop without a result to get one."""

    CHANGE = "change"
    DECISION = "decision"
    TIME = "time"


class Why(BaseModel):
    """One reason why a drop has no result.

    Attributes:
        about: The job or the field concerned.
        message: What happened and what that means for the money.
        advice: What to do about it.
    """

    model_config = ConfigDict(frozen=True)

    about: str
    message: str
    advice: str


class Edited(BaseModel):
    """One published job of a drop."""

    model_config = ConfigDict(frozen=True)

    name: str
    job_key: str
    result: str | None


class Done(BaseModel):
    """Says that a drop is over: left in place, it costs nothing any more. Written once."""

    model_config = ConfigDict(frozen=True)

    drop: str
    at: datetime
    edits: list[Edited]


class Trouble(BaseModel):
    """Says why a drop has no result, so that it is neither judged nor reported again at every look.

    Attributes:
        drop: Name of the drop.
        at: When it was written.
        remedy: What it takes.
        why: All reasons.
        tries: How often in a row it ended like this.
        again_at: When it is taken up again though nothing has changed.
        held: The names of the journal's records of each held job: more of them, and a person may have decided.
        named: The versions of the files of the inbox that its instructions name, empty for one that is not there.
    """

    model_config = ConfigDict(frozen=True)

    drop: str
    at: datetime
    remedy: Remedy
    why: list[Why]
    tries: int
    again_at: datetime
    held: dict[str, list[str]]
    named: dict[str, str]


def trouble(
    drop: str,
    remedy: Remedy,
    why: Sequence[Why],
    *,
    before: Trouble | None,
    now: datetime,
    held: Mapping[str, Sequence[str]],
    named: Mapping[str, str],
) -> Trouble:
    """Returns what is remembered of a drop without a result.

    Args:
        drop: Name of the drop.
        remedy: What it takes.
        why: All reasons.
        before: What was remembered of it so far.
        now: The present.
        held: The names of the journal's records of each held job.
        named: The versions of the files of the inbox that its instructions name.
    """
    tries = before.tries + 1 if before is not None and before.remedy is remedy else 1
    pause = LONGEST_PAUSE_SECONDS
    if remedy is Remedy.TIME:
        pause = min(pause, FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 16))
    return Trouble(
        drop=drop,
        at=now,
        remedy=remedy,
        why=list(why),
        tries=tries,
        again_at=now + timedelta(seconds=pause),
        held={job_key: sorted(names) for job_key, names in held.items()},
        named=dict(named),
    )


def is_due(found: Trouble, now: datetime, held: Mapping[str, Sequence[str]], named: Mapping[str, str]) -> bool:
    """Whether a drop in trouble is to be taken up again.

    Args:
        found: What is remembered of it.
        now: The present.
        held: The names of the journal's records of each of its held jobs, as they are now.
        named: The versions of all files of the inbox, as they are now.
    """
    return (
        now >= found.again_at
        or any(sorted(held.get(key, ())) != names for key, names in found.held.items())
        or any(named.get(name, "") != version for name, version in found.named.items())
    )


def remedy_for(state: JobState, step: Step, refused: Failure | None, *, about_settings: bool) -> Remedy:
    """Returns what it takes for a job without a result to get one.

    Args:
        state: How the job stands.
        step: What the journal says is to be done next with it.
        refused: Why the provider refused its last create, if it did.
        about_settings: Whether the account, not the job, is what was refused.
    """
    if state is JobState.HELD:
        return Remedy.DECISION
    if state is JobState.RUNNING or about_settings or (isinstance(step, Create) and not _names_the_input(refused)):
        return Remedy.TIME
    return Remedy.CHANGE


def most(remedies: Sequence[Remedy]) -> Remedy:
    """Returns the remedy of a drop with several jobs: the one whose turn comes first."""
    return next(remedy for remedy in (Remedy.TIME, Remedy.DECISION, Remedy.CHANGE) if remedy in remedies)


def _names_the_input(refused: Failure | None) -> bool:
    return refused is not None and refused.cause in _OF_THE_INPUT
