"""One account's queue for one model: first in first out, so many at once, walls kept to the instant.

Nothing here reads a clock: `settle` is told the time and replays, in order, all that has happened by then.
Asking late therefore gives the same history as asking often.
"""

import math
from collections import deque

from deployments.emulator.config import Limits
from deployments.emulator.errors import THROTTLED, TIMED_OUT, RefusedError
from deployments.emulator.tasks import ProviderTask


class Lane:
    """The provider tasks of one account and model that have not ended.

    Args:
        limits: How many may run and wait, and how long they may take.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.pending: deque[ProviderTask] = deque()
        self.running: list[ProviderTask] = []
        self.peak_running = 0

    def submit(self, task: ProviderTask, now: float) -> list[ProviderTask]:
        """Take a new provider task in.

        Returns:
            The provider tasks that have started by now.

        Raises:
            RefusedError: The queue is full.
        """
        started = self.settle(now)
        queue = self._limits.queue
        if queue is not None and not self._has_room() and len(self.pending) >= queue:
            raise RefusedError(THROTTLED)
        self.pending.append(task)
        return started + self._fill(now)

    def cancel(self, task: ProviderTask, now: float) -> bool:
        """Cancel a provider task that still waits; False when it does not."""
        if task not in self.pending:
            return False
        self.pending.remove(task)
        task.status, task.ended_at = "CANCELED", now
        return True

    def settle(self, now: float) -> list[ProviderTask]:
        """Let everything happen that is due by now.

        Returns:
            The provider tasks that have started and need their work done.
        """
        started = self._fill(now)
        while (due := self._next_ending()) and due[0] <= now:
            instant, task = due
            self._end(task, instant)
            started += self._fill(instant)
        return started

    def next_event(self) -> float:
        """When something happens next without anyone asking, in provider time; infinity for never."""
        due = self._next_ending()
        return due[0] if due else math.inf

    def _has_room(self) -> bool:
        return len(self.running) < (self._limits.running or math.inf)

    def _fill(self, instant: float) -> list[ProviderTask]:
        started: list[ProviderTask] = []
        for task in list(self.pending):
            if not self._has_room():
                break
            if task.fate and task.fate.ends == "stays_pending":
                continue
            self.pending.remove(task)
            task.status, task.started_at = "RUNNING", max(instant, task.submitted_at)
            self.running.append(task)
            started.append(task)
        self.peak_running = max(self.peak_running, len(self.running))
        return started

    def _next_ending(self) -> tuple[float, ProviderTask] | None:
        waiting_longest = list(self.pending)[:1]
        endings = [(self._ending(task), task) for task in self.running + waiting_longest]
        return min(endings, key=lambda ending: ending[0], default=None)

    def _ending(self, task: ProviderTask) -> float:
        """When a provider task ends as far as is known by now."""
        wall = task.submitted_at + (self._limits.wall_seconds or math.inf)
        if task.started_at is None or task.outcome is None:
            return wall
        if task.outcome.error is not None:
            return min(wall, task.outcome.at)
        return min(wall, max(task.started_at + task.run_seconds, task.outcome.at))

    def _end(self, task: ProviderTask, instant: float) -> None:
        if task in self.pending:
            self.pending.remove(task)
        else:
            self.running.remove(task)
        task.ended_at = instant
        if instant >= task.submitted_at + (self._limits.wall_seconds or math.inf):
            task.error = TIMED_OUT
        elif task.outcome is not None:
            task.error = task.outcome.error
        task.status = "FAILED" if task.error else "SUCCEEDED"
