"""Lets jobs begin in order and only so many at once: what waits for its turn holds next to nothing."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from flows.running.progress import Lane

#: Jobs of a lane under way besides those that hold its slots: some upload ahead, some are fetched behind.
BESIDE_SLOTS = 16


class Window:
    """Who is under way. Each lane has places of its own, taken in the order they are asked for."""

    def __init__(self) -> None:
        self._places: dict[str, asyncio.Semaphore] = {}
        self._begun: set[str | None] = set()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def place(self, lane: Lane, job_key: str) -> AsyncIterator[None]:
        """Waits until a job may begin, and counts it as under way as long as the context lasts."""
        async with self._places.setdefault(lane.name, asyncio.Semaphore(lane.slots + BESIDE_SLOTS)):
            self._begun.add(job_key)
            self._changed.set()
            self._changed.clear()
            yield

    async def all_begun(self, job_keys: Collection[str | None]) -> None:
        """Waits until all of these jobs have begun."""
        while not self._begun.issuperset(job_keys):
            await self._changed.wait()
