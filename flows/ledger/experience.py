"""What this journal knows of run times: read once per run from its newest records, and added to as jobs go on."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice

from blocks.clients.store import StorageFailed
from flows.ledger.journal import Journal
from flows.rules.job import Provider
from flows.rules.offers import RunTimes
from flows.rules.records import Intent
from flows.rules.run_times import learned

#: Provider tasks learned from at least, where there are as many; and read before the first look at most.
NEWEST = 60
#: Of those that run at once, so many times as many count: with those that ended among them, not only the longest do.
_TIMES_THOSE_RUNNING = 4
#: Evenly picked from all that count: more would tell no more.
_PICKED = 120
#: New ends change what is expected once they are this share of those it was learned from.
_WORTH_LEARNING = 0.1


class _Runs:
    """Runs of one kind, by job, in the order they began."""

    def __init__(self) -> None:
        self._took: dict[str, float | None] = {}
        self._began: dict[str, float] = {}
        self._ends = 0
        self._learned: tuple[int, RunTimes] | None = None

    def begin(self, job_key: str, at: float) -> None:
        self._took[job_key] = None
        self._began[job_key] = at

    def end(self, job_key: str, seconds: float) -> None:
        self._took[job_key] = seconds
        self._began.pop(job_key, None)
        self._ends += 1

    def forget_unless_ended(self, job_key: str) -> None:
        if self._began.pop(job_key, None) is not None:
            del self._took[job_key]

    def expected(self, catalogue: RunTimes, now: float) -> RunTimes:
        if self._learned is None or self._ends > (1 + _WORTH_LEARNING) * self._learned[0]:
            counting = min(len(self._took), max(NEWEST, _TIMES_THOSE_RUNNING * len(self._began)))
            picked = list(islice(reversed(self._took.items()), 0, counting, max(1, counting // _PICKED)))
            ended = [seconds for _, seconds in picked if seconds is not None]
            running = [now - self._began[job_key] for job_key, seconds in picked if seconds is None]
            self._learned = self._ends, learned(catalogue, ended, running)
        return self._learned[1]


class Experience:
    """How long provider tasks ran, by model and resolution. All times are in provider seconds.

    Args:
        journal: Where ended ones are recorded.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kinds: defaultdict[tuple[Provider, str, str | None], _Runs] = defaultdict(_Runs)
        self._reading = asyncio.Lock()
        self._read = False

    async def expected(
        self, provider: Provider, model: str, resolution: str | None, catalogue: RunTimes, now: float
    ) -> RunTimes:
        """Returns the run times to expect.

        Args:
            provider: Who runs it.
            model: The model.
            resolution: The resolution asked for; None for whichever.
            catalogue: What is expected without a past.
            now: By the clock that tells when runs began.
        """
        async with self._reading:
            if not self._read:
                await self._recall()
        return self._kinds[provider, model, resolution].expected(catalogue, now)

    @contextmanager
    def following(self, intent: Intent) -> Iterator[None]:
        """While a provider task is followed, what is told of it counts; one that is left running teaches nothing."""
        try:
            yield
        finally:
            for runs in self._of(intent):
                runs.forget_unless_ended(intent.job_key)

    def began(self, intent: Intent, at: float) -> None:
        """Remembers since when a provider task runs."""
        for runs in self._of(intent):
            runs.begin(intent.job_key, at)

    def ended(self, intent: Intent, run_seconds: float | None) -> None:
        """Remembers how long a provider task ran that made a result, where its provider tells."""
        if run_seconds is not None:
            for runs in self._of(intent):
                runs.end(intent.job_key, run_seconds)

    def _of(self, intent: Intent) -> list[_Runs]:
        where = intent.endpoint
        return [self._kinds[where.provider, where.model, key] for key in {intent.parameters.get("resolution"), None}]

    async def _recall(self) -> None:
        with suppress(StorageFailed):  # the catalogue's own times do as well
            for attempt in await self._journal.newest_published(NEWEST):
                if attempt.settled is not None:
                    self.ended(attempt.intent, attempt.settled.run_seconds)
        self._read = True
