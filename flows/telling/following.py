"""Follows a run by its own clock, for whoever tells how it stands while it is under way."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flows.running.progress import Step
from flows.running.tally import Tally


class Following:
    """A run's tally and its clock. Steps may come from one thread while another one reads."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def see(self, step: Step) -> None:
        """Takes note of a step."""
        with self._lock:
            self._tally.see(step, self.now())

    def now(self) -> float:
        """Returns the seconds since the run began to be followed."""
        return time.monotonic() - self._began

    @contextmanager
    def at_rest(self) -> Iterator[Tally]:
        """Gives the tally, which does not change as long as the context lasts."""
        with self._lock:
            yield self._tally
