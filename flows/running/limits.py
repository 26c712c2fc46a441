"""Admission and pace: how many provider tasks are alive at once, and how fast calls follow each other.

Limits belong to an account and a model, so every recut process of this machine shares them through locked files:
the kernel frees a slot the moment its holder dies, however it dies.
"""

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from flows.rules.offers import Quotas
from flows.rules.records import Endpoint

#: The provider's own queue then hides our latency, and few provider tasks are exposed to a crash.
BEYOND_RUNNING = 2
_LOOK_AGAIN_SECONDS = 0.25
_MOST_TURNS_AHEAD = 60

try:
    import fcntl
except ImportError:  # Windows has no such locks: limits then hold within one process only.
    fcntl = None  # type: ignore[assignment]


class Limits:
    """The limits of all accounts a run uses.

    Args:
        folder: Where this machine's processes meet.
        running: Overrides how many provider tasks may run at once.
        submits_per_second: Overrides the submit rate.
        queries_per_second: Overrides the rate of looks.
    """

    def __init__(
        self,
        folder: Path,
        *,
        running: int | None = None,
        submits_per_second: float | None = None,
        queries_per_second: float | None = None,
    ) -> None:
        self._folder = folder
        self._running = running
        self._submits = submits_per_second
        self._queries = queries_per_second
        self._here: dict[Path, asyncio.Semaphore] = {}
        self._paces: dict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    def slots(self, quotas: Quotas) -> int:
        """Returns how many provider tasks of one account and model may be alive at once."""
        if self._running is not None:
            return self._running
        return quotas.running + min(BEYOND_RUNNING, quotas.queued)

    @asynccontextmanager
    async def slot(self, endpoint: Endpoint, quotas: Quotas) -> AsyncIterator[None]:
        """Holds one slot of an account and model, from before the create until the provider task is over."""
        folder = self._place(endpoint) / "slots"
        count = self.slots(quotas)
        here = self._here.setdefault(folder, asyncio.Semaphore(count))
        async with here:
            descriptor = await _lock_one(folder, count)
            try:
                yield
            finally:
                os.close(descriptor)

    async def submit_turn(self, endpoint: Endpoint, quotas: Quotas) -> None:
        """Waits for this account's and model's next turn to create."""
        rate = self._submits or quotas.submits_per_second
        await self._turn(self._place(endpoint) / "submits", rate)

    async def query_turn(self, endpoint: Endpoint, quotas: Quotas) -> None:
        """Waits for this account's next turn to look."""
        rate = self._queries or quotas.queries_per_second
        await self._turn(self._folder / endpoint.account / "queries", rate)

    def _place(self, endpoint: Endpoint) -> Path:
        return self._folder / endpoint.account / endpoint.model

    async def _turn(self, path: Path, per_second: float) -> None:
        async with self._paces[path]:
            await asyncio.sleep(_book_turn(path, 1 / per_second))


async def _lock_one(folder: Path, count: int) -> int:
    """Locks one of ``count`` files and returns its descriptor; closing it frees the slot."""
    os.makedirs(folder, exist_ok=True)
    while True:
        for index in range(count):
            descriptor = os.open(folder / str(index), os.O_RDWR | os.O_CREAT, 0o600)
            if fcntl is None:
                return descriptor
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return descriptor
        await asyncio.sleep(_LOOK_AGAIN_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - jitter


def _book_turn(path: Path, interval: float) -> float:
    """Books the next free turn among all processes and returns the seconds until then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        now = time.time()
        try:
            earliest = float(os.pread(descriptor, 64, 0))
        except ValueError:  # a new file, or one that lost its content with the power
            earliest = now
        # A turn booked far ahead is left over from a clock that was set back.
        turn = earliest if now < earliest < now + _MOST_TURNS_AHEAD * max(1, interval) else now
        os.pwrite(descriptor, f"{turn + interval:<32.6f}".encode(), 0)
        return turn - now
    finally:
        os.close(descriptor)
