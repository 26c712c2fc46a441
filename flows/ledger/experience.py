"""What this journal knows of run times: read once per run from its newest records, and added to as jobs end."""

import asyncio
from collections import defaultdict
from contextlib import suppress

from blocks.clients.store import StorageFailed
from flows.ledger.journal import Journal
from flows.rules.job import Provider
from flows.rules.offers import RunTimes
from flows.rules.records import Intent
from flows.rules.run_times import learned

#: Provider tasks learned from at most: enough to know the usual, few enough to read before the first look.
NEWEST = 60


class Experience:
    """How long provider tasks ran, by model and resolution.

    Args:
        journal: Where ended ones are recorded.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seconds: dict[tuple[Provider, str, str | None], list[float]] = defaultdict(list)
        self._reading = asyncio.Lock()
        self._read = False

    async def expected(self, provider: Provider, model: str, resolution: str | None, catalogue: RunTimes) -> RunTimes:
        """Returns the run times to expect.

        Args:
            provider: Who runs it.
            model: The model.
            resolution: The resolution asked for; None for whichever.
            catalogue: What is expected without a past.
        """
        async with self._reading:
            if not self._read:
                await self._recall()
        return learned(catalogue, self._seconds[provider, model, resolution][-NEWEST:])

    def note(self, intent: Intent, run_seconds: float | None) -> None:
        """Remembers how long a provider task ran, in provider seconds."""
        if run_seconds is not None:
            where, resolution = intent.endpoint, intent.parameters.get("resolution")
            for key in {resolution, None}:
                self._seconds[where.provider, where.model, key].append(run_seconds)

    async def _recall(self) -> None:
        with suppress(StorageFailed):  # the catalogue's own times do as well
            for attempt in await self._journal.newest_published(NEWEST):
                if attempt.settled is not None:
                    self.note(attempt.intent, attempt.settled.run_seconds)
        self._read = True
