"""Tells whoever watches a run what happens to each job, in this process; the terminal listens here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

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
class Step:
    """One job reached a stage.

    Attributes:
        job_key: The job.
        name: Its name.
        stage: Where it is now.
        cost: What it costs, as far as known.
        message: What a person should know, if anything.
    """

    job_key: str
    name: str
    stage: Stage
    cost: Cost | None = None
    message: str | None = None


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
    """Passes steps on to the watcher that was there when the run began, if any."""

    def __init__(self, watcher: Watcher | None) -> None:
        self._watcher = watcher

    @classmethod
    def current(cls) -> "Progress":
        """Returns the progress of the run that begins now."""
        return cls(_watcher.get())

    def tell(self, step: Step) -> None:
        """Passes a step on."""
        if self._watcher is not None:
            self._watcher(step)
