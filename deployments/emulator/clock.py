"""Provider time: it starts at the real now, may run faster, may be skewed, and can be moved forward."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
"""The zone of every time that DashScope writes as text."""


class Clock:
    """The provider's clock. Every duration the provider speaks of is measured by it.

    Args:
        scale: Provider seconds that pass in one real second.
        skew_seconds: How far the provider's clock is ahead of this machine's, in seconds.
    """

    def __init__(self, scale: float, skew_seconds: float) -> None:
        self.scale = scale
        self._start = time.time() + skew_seconds
        self._origin = time.monotonic()
        self._moved = asyncio.Event()
        self._stopped = False

    def now(self) -> float:
        """Provider time as epoch seconds."""
        return self._start + (time.monotonic() - self._origin) * self.scale

    def advance(self, seconds: float) -> None:
        """Jump forward by so many provider seconds and wake everything that waits for a later instant."""
        self._start += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def stop(self) -> None:
        """Let everyone go who waits for an instant, now and from now on."""
        self._stopped = True
        self._moved.set()

    async def until(self, instant: float) -> None:
        """Return once provider time has reached an instant, given in epoch seconds."""
        while not self._stopped and (left := instant - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left / self.scale):
                    await self._moved.wait()

    async def sleep(self, seconds: float) -> None:
        """Wait for so many provider seconds."""
        await self.until(self.now() + seconds)


def beijing_text(instant: float) -> str:
    """An instant as DashScope's polls write it: `YYYY-MM-DD HH:mm:ss.SSS` in UTC+8."""
    return datetime.fromtimestamp(instant, BEIJING).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def milliseconds(instant: float) -> int:
    """An instant as DashScope's list writes it: epoch milliseconds."""
    return int(instant * 1000)


def list_time(text: str) -> float:
    """Read a list filter's time, `YYYYMMDDhhmmss` in UTC+8.

    Raises:
        ValueError: The text is not such a time.
    """
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).timestamp()


def iso_text(instant: float) -> str:
    """An instant as OSS policies and errors write it: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
