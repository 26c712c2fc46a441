"""Time: the real one for people and records, and the provider's for everything that mirrors its side."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells and waits time.

    Args:
        scale: How many provider seconds pass in one real second; other than 1 only with an emulated provider.
    """

    def __init__(self, scale: float = 1) -> None:
        self.scale = scale

    def now(self) -> datetime:
        """Returns the real time, UTC."""
        return datetime.now(UTC)

    def provider_seconds_since(self, moment: datetime) -> float:
        """Returns how many provider seconds have passed since a real moment."""
        return (self.now() - moment).total_seconds() * self.scale

    def after(self, provider_seconds: float) -> datetime:
        """Returns the real moment that many provider seconds from now."""
        return self.now() + timedelta(seconds=provider_seconds / self.scale)

    def monotonic(self) -> float:
        """Returns provider seconds since an arbitrary moment; never goes back."""
        return time.monotonic() * self.scale

    async def sleep(self, provider_seconds: float) -> None:
        """Waits that many provider seconds."""
        await asyncio.sleep(provider_seconds / self.scale)

    async def wait(self, event: asyncio.Event, provider_seconds: float) -> None:
        """Waits until an event is set, but no longer than that many provider seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(provider_seconds / self.scale):
                await event.wait()
