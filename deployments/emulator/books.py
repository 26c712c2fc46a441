"""The provider's books: every provider task of every account, its queues and its rates.

Everything here is told the time; nothing waits and nothing does the media work.
"""

import math
import random
import uuid
from collections.abc import Callable, Iterable
from typing import Literal

from deployments.emulator.catalog import Provider
from deployments.emulator.config import EmulatorConfig, Limits
from deployments.emulator.errors import APIYI_THROTTLED, THROTTLED, RefusedError
from deployments.emulator.lane import Lane
from deployments.emulator.rates import RateWindow
from deployments.emulator.tasks import ProviderTask

Rated = Literal["create", "get", "list", "cancel", "policy"]
"""Operations with a rate limit of their own."""

_P95_Z = 1.6448536269514722  # how many standard deviations the 95th percentile lies above the median


class Books:
    """All provider tasks, by account.

    Args:
        config: Limits, run times and the seed.
        on_start: Called with every provider task that has started and needs its work done.
    """

    def __init__(self, config: EmulatorConfig, on_start: Callable[[ProviderTask], None]) -> None:
        self._config = config
        self._on_start = on_start
        self._chance = random.Random(config.seed)  # noqa: S311 - repeatable on purpose
        self.tasks: dict[str, ProviderTask] = {}
        self.lanes: dict[tuple[Provider, str, str], Lane] = {}
        self.windows: dict[tuple[Provider, str, Rated, str], RateWindow] = {}

    def limits(self, provider: Provider) -> Limits:
        """The limits that a provider keeps."""
        return self._config.apiyi_limits if provider == "apiyi" else self._config.limits

    def admit(self, operation: Rated, provider: Provider, account: str, model: str, now: float) -> None:
        """Count a request against its rate limit.

        Args:
            operation: What is asked.
            provider: Who is asked.
            account: Alias of the asking account.
            model: The model, for the rates that are kept for each model apart; else empty.
            now: Provider time.

        Raises:
            RefusedError: It is one too many in this second.
        """
        limits = self.limits(provider)
        most = {"create": limits.submits_per_second, "policy": limits.policies_per_second}.get(
            operation, limits.queries_per_second
        )
        window = self.windows.setdefault((provider, account, operation, model), RateWindow(most))
        if not window.admit(now):
            raise RefusedError(APIYI_THROTTLED if provider == "apiyi" else THROTTLED)

    def admit_poll(self, task: ProviderTask, now: float) -> None:
        """Keep the least time between two polls of one provider task.

        Raises:
            RefusedError: The last poll was too short a while ago.
        """
        least = self.limits(task.rules.provider).seconds_between_polls
        if least is not None and task.last_poll is not None and now - task.last_poll < least:
            raise RefusedError(APIYI_THROTTLED)
        task.last_poll = now

    def new_id(self, provider: Provider, model: str) -> str:
        """A fresh provider task id: a UUID, or `hh-…` for HappyHorse at APIYI."""
        if provider == "apiyi" and model.startswith("happyhorse"):
            return f"hh-{uuid.uuid4().hex[:24]}"
        return str(uuid.uuid4())

    def run_seconds(self, model: str) -> float:
        """Draw how long the next provider task of a model runs, in provider seconds."""
        time = self._config.run_times.get(model)
        if time is None or not time.median:
            return 0
        if time.p95 is None:
            return time.median
        return time.median * math.exp(self._chance.gauss() * math.log(time.p95 / time.median) / _P95_Z)

    def accept(self, task: ProviderTask, now: float) -> None:
        """Take a provider task in: from here on it exists and is paid for when it succeeds.

        Raises:
            RefusedError: The account's queue for the model is full.
        """
        key = (task.rules.provider, task.account, task.rules.model)
        lane = self.lanes.setdefault(key, Lane(self.limits(task.rules.provider)))
        started = lane.submit(task, now)
        self.tasks[task.provider_task_id] = task
        self._start(started)

    def cancel(self, task: ProviderTask, now: float) -> bool:
        """Cancel a PENDING provider task; False in any other state."""
        self.settle(now)
        return self.lanes[task.rules.provider, task.account, task.rules.model].cancel(task, now)

    def find(self, task_id: str, provider: Provider, account: str, now: float) -> ProviderTask | None:
        """A provider task as its account can still query it, brought up to date."""
        self.settle(now)
        task = self.tasks.get(task_id)
        if task is None or (task.rules.provider, task.account) != (provider, account):
            return None
        return task if self._valid(task, now) else None

    def owned(self, provider: Provider, account: str, now: float) -> Iterable[ProviderTask]:
        """An account's provider tasks that can still be queried, newest first."""
        self.settle(now)
        return [
            task
            for task in reversed(self.tasks.values())
            if (task.rules.provider, task.account) == (provider, account) and self._valid(task, now)
        ]

    def settle(self, now: float) -> None:
        """Let everything happen that is due by now."""
        for lane in self.lanes.values():
            self._start(lane.settle(now))

    def next_event(self) -> float:
        """When something happens next without anyone asking, in provider time; infinity for never."""
        return min((lane.next_event() for lane in self.lanes.values()), default=math.inf)

    def _start(self, started: Iterable[ProviderTask]) -> None:
        for task in started:
            self._on_start(task)

    def _valid(self, task: ProviderTask, now: float) -> bool:
        return now < task.submitted_at + (self.limits(task.rules.provider).validity_seconds or math.inf)
