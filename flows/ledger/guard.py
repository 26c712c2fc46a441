"""Exclusive creation on storages that have none of their own: one writer at a time, by Prefect's leased slots."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from blocks.clients.store import StorageFailed

#: So many limits guard all job keys: a key's hash picks one. More would only fill the list in the UI.
LIMITS = 64
#: The shortest lease Prefect gives: the slot of a killed process is free again this many seconds later.
LEASE_SECONDS = 60
#: Longer than a killed process can hold a slot.
PATIENCE_SECONDS = 180


class Guard:
    """Lets one holder at a time have a key, across all processes and machines of one Prefect server."""

    def __init__(self) -> None:
        self._here: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._made: set[str] = set()

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        """Holds a key for as long as the context lasts.

        Raises:
            StorageFailed: It could not be had, so nothing may be created.
        """
        from prefect.concurrency.asyncio import concurrency

        name = f"recut-records-{int(hashlib.sha256(key.encode()).hexdigest(), 16) % LIMITS:02}"
        async with self._here[name], AsyncExitStack() as held:
            slot = concurrency(
                name, occupy=1, timeout_seconds=PATIENCE_SECONDS, lease_duration=LEASE_SECONDS, strict=True
            )
            try:
                await self._make(name)
                await held.enter_async_context(slot)
            except Exception as error:
                raise StorageFailed(
                    f"no slot of Prefect's concurrency limit {name} could be had "
                    f"({type(error).__name__}: {error}), and this storage needs one to create a record once"
                ) from error
            yield

    async def _make(self, name: str) -> None:
        """Creates the limit, unless it exists already."""
        if name in self._made:
            return
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
        from prefect.exceptions import ObjectAlreadyExists

        async with get_client() as client:
            with suppress(ObjectAlreadyExists):
                await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
        self._made.add(name)
