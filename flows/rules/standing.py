"""Where a job of the journal stands, which ones a person asked to see, and what they add up to. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from flows.rules.budget import Cost, total
from flows.rules.history import History
from flows.rules.states import JobState

_AGO = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Standing:
    """One job as the journal tells of it.

    Attributes:
        job_key: The job.
        history: Its attempts; at least one.
        state: Where it stands.
    """

    job_key: str
    history: History
    state: JobState

    @property
    def name(self) -> str:
        """Its name, as its newest attempt has it."""
        return self.history.attempts[-1].intent.name

    @property
    def begun_at(self) -> datetime:
        """When it was first about to be created."""
        return self.history.attempts[0].intent.at


@dataclass(frozen=True)
class Wanted:
    """Which jobs a person asked to see; what is left open admits every job.

    Attributes:
        states: Any of these states.
        provider: Who runs it.
        model: Part of the model's name.
        since: When it was begun at the earliest.
        pattern: What its name looks like, with ``*`` and ``?``.
    """

    states: Collection[JobState] = ()
    provider: str | None = None
    model: str | None = None
    since: datetime | None = None
    pattern: str = "*"

    def admits(self, job: Standing) -> bool:
        """Whether a job is among them."""
        where = job.history.attempts[-1].intent.endpoint
        return (
            (not self.states or job.state in self.states)
            and self.provider in (None, where.provider)
            and (self.model or "") in where.model
            and (self.since is None or job.begun_at >= self.since)
            and fnmatchcase(job.name, self.pattern)
        )


def paid(jobs: Iterable[Standing]) -> list[Cost]:
    """Returns what the published results cost, per currency."""
    settled = (attempt.settled for job in jobs for attempt in job.history.attempts)
    return total(end.cost for end in settled if end and end.state == "published" and end.cost)


def at_stake(jobs: Iterable[Standing]) -> list[Cost]:
    """Returns what besides published results may be billed: what runs, is held, was given up or has expired."""
    attempts = (attempt for job in jobs for attempt in job.history.attempts)
    open_ones = (a for a in attempts if not (a.settled and a.settled.state == "published"))
    return total(cost for attempt in open_ones if (cost := attempt.committed()))


def moment(said: str, now: datetime) -> datetime:
    """Returns the moment a person means.

    Args:
        said: A date or time as ISO 8601 has it (``2026-11-20``, ``2026-11-20 14:00``), in local time unless it says
            otherwise, or so long ago: ``30m``, ``6h``, ``2d``, ``1w``.
        now: The reader's clock, UTC.

    Raises:
        ValueError: It is neither.
    """
    if ago := _AGO.fullmatch(said.strip()):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(said.strip()).astimezone()
    except ValueError:
        raise ValueError(f"{said!r} is no moment; say 2026-11-20, '2026-11-20 14:00', or 30m, 6h, 2d, 1w ago") from None
