"""Tells whoever watches a run what happens to each job, in this process; the terminal listens here."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from flows.rules.budget import Cost


class Stage(StrEnum):
    """Where a job is on its way."""

    PLANNED = "planned"
    UPLOADING = "uploading"
    WAITING = "waiting"
    CREATING = "creating"
    PENDING = "pending"
    RUNNING = "running"
    PERSISTING = "persisting"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"


@dataclass(frozen=True)
class Lane:
    """The slots of one account and model, which its jobs take in turn.

    Attributes:
        name: What people call it.
        slots: How many of its provider tasks may be alive at once.
        run_seconds: How long one is expected to run, in real seconds.
    """

    name: str
    slots: int
    run_seconds: float


@dataclass(frozen=True)
class Step:
    """One job reached a stage.

    Attributes:
        job_key: The job.
        name: Its name.
        stage: Where it is now.
        cost: What it costs, as far as known.
        message: What a person should know, if anything.
        lane: Whose slots it needs, where that is told.
    """

    job_key: str
    name: str
    stage: Stage
    cost: Cost | None = None
    message: str | None = None
    lane: Lane | None = None


Watcher = Callable[[Step], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Calls a watcher for every step of the runs started inside the context."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


class Progress:
    """Passes steps on to the watchers that were there when the run began, and to those that came since."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = list(watchers)
        self._journeys: dict[str, list[tuple[Stage, float]]] = {}

    @classmethod
    def current(cls) -> "Progress":
        """Returns the progress of the run that begins now."""
        watcher = _watcher.get()
        return cls(watcher) if watcher else cls()

    @contextmanager
    def followed_by(self, watcher: Watcher) -> Iterator[None]:
        """Passes steps on to one more watcher as long as the context lasts."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    def tell(self, step: Step) -> None:
        """Passes a step on."""
        self._journeys.setdefault(step.job_key, []).append((step.stage, time.monotonic()))
        for watcher in self._watchers:
            watcher(step)

    def seconds_of(self, job_key: str) -> dict[Stage, float]:
        """Returns how long a job was at each stage since this was last asked, in real seconds."""
        journey = self._journeys.pop(job_key, [])
        seconds: dict[Stage, float] = {}
        for (stage, begin), (_, end) in pairwise(journey):
            seconds[stage] = seconds.get(stage, 0.0) + end - begin
        return seconds
