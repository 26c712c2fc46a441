"""Sends the same bytes once per destination: within a run, and across runs for as long as they are kept there."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from pydantic import BaseModel, ValidationError

from blocks.clients.store import StorageFailed, Store
from flows.running.clock import Clock

#: An address of the temporary store is used again for this many provider seconds, half of what it lives: a
#: provider task that queues fetches late.
SHARED_SECONDS = 24 * 3600.0
_FOLDER = "uploads"


class Uploaded(BaseModel):
    """A file in a provider's temporary store.

    Attributes:
        address: Its ``oss://`` address there, which only this account and model can read.
        at: When it was stored, in real time.
    """

    address: str
    at: datetime


class Uploads:
    """What went up, and what is on its way.

    Args:
        store: Where uploads are remembered, beside the journal's records.
        clock: Real and provider time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._under_way: dict[tuple[str, ...], asyncio.Future[str]] = {}

    async def once(self, destination: tuple[str, ...], send: Callable[[], Awaitable[str]]) -> str:
        """Returns the address of a file at a destination, sending it unless somebody in this run does.

        Raises:
            Exception: What the sending failed with; the next call tries again.
        """
        if destination not in self._under_way:
            self._under_way[destination] = asyncio.ensure_future(send())
        try:
            return await asyncio.shield(self._under_way[destination])
        except Exception:
            self._under_way.pop(destination, None)
            raise

    async def kept(self, destination: tuple[str, ...], send: Callable[[], Awaitable[str]]) -> str:
        """Returns the address of a file in a temporary store, sending it unless this or an earlier run has.

        Raises:
            Exception: What the sending failed with; the next call tries again.
        """
        name = f"{_FOLDER}/{hashlib.sha256('#'.join(destination).encode()).hexdigest()}.json"

        async def remembered_or_sent() -> str:
            if (address := await asyncio.to_thread(self._remembered, name)) is not None:
                return address
            made = Uploaded(at=self._clock.now(), address=await send())
            # Not remembering costs another upload, nothing more.
            with suppress(StorageFailed):
                await asyncio.to_thread(self._store.write, name, made.model_dump_json().encode())
            return made.address

        window = str(self._clock.monotonic() // SHARED_SECONDS)
        return await self.once((*destination, window), remembered_or_sent)

    def _remembered(self, name: str) -> str | None:
        try:
            found = Uploaded.model_validate_json(self._store.read(name))
        except (FileNotFoundError, StorageFailed, ValidationError):
            return None
        young = 0 <= self._clock.provider_seconds_since(found.at) < SHARED_SECONDS
        return found.address if young else None
