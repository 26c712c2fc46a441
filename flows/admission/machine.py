"""Limits kept by this machine: every recut process on it shares locked files.

Right where the Prefect server is recut's own local one, and nothing else uses the account. The kernel frees a slot
the moment its holder dies, however it dies.
"""

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from flows.admission.limits import Limits, OwnLimits
from flows.rules.offers import Quotas
from flows.rules.records import Endpoint

_LOOK_AGAIN_SECONDS = 0.25
_MOST_TURNS_AHEAD = 60

try:
    import fcntl
except ImportError:  # Windows has no such locks: limits then hold within one process only.
    fcntl = None  # type: ignore[assignment]


class MachineLimits(Limits):
    """Limits that hold among the processes of this machine.

    Args:
        folder: Where they meet.
        own: What the team set itself.
    """

    def __init__(self, folder: Path, own: OwnLimits | None = None) -> None:
        super().__init__(own)
        self._folder = folder
        self._here: dict[Path, asyncio.Semaphore] = {}
        self._asking: dict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def slot(self, endpoint: Endpoint, quotas: Quotas) -> AsyncIterator[None]:
        """Holds one slot; within a process, whoever asked first gets it first."""
        folder = self._place(endpoint) / "slots"
        count = self.slots(quotas)
        here = self._here.setdefault(folder, asyncio.Semaphore(count))
        async with here:
            async with self._asking[folder]:
                descriptor = await _lock_one(folder, count)
            try:
                yield
            finally:
                os.close(descriptor)

    @asynccontextmanager
    async def submit_turn(self, endpoint: Endpoint, quotas: Quotas) -> AsyncIterator[Callable[[], None]]:
        """Waits for the next turn to create: turns follow each other evenly."""
        await self._turn(self._place(endpoint) / "submits", self.submit_rate(quotas))
        yield lambda: None

    async def query_turn(self, endpoint: Endpoint, quotas: Quotas) -> None:
        """Waits for the next turn to look."""
        await self._turn(self._folder / endpoint.account / "queries", self.query_rate(quotas))

    async def close(self) -> None:
        """Has nothing to give back: whoever held a slot has closed its file."""

    def _place(self, endpoint: Endpoint) -> Path:
        return self._folder / endpoint.account / endpoint.model

    async def _turn(self, path: Path, per_second: float) -> None:
        async with self._asking[path]:
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
