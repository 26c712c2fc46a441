"""Sends a result to its storage while it still arrives: what follows the last byte is then short."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from blocks.clients.backends import Ahead
from flows.transfer.aside import Aside


class Sending:
    """A result on its way to a storage.

    It is an attempt to be early, so it fails quietly: what could not be sent ahead is published as a whole.

    Args:
        ahead: The storage's way to do so, None where it has none.
    """

    def __init__(self, ahead: Ahead | None) -> None:
        self._ahead = ahead
        self._aside = Aside()

    def tell(self, size: int) -> None:
        """Says how many bytes of the result are there for good."""
        if self._ahead is not None:
            try:
                self._aside.start(partial(self._ahead.follow, size))
            except Exception:
                self.give_up()

    def give_up(self) -> None:
        """Ends the attempt: what has arrived so far is not the beginning of the result after all."""
        if self._ahead is not None:
            self._ahead.stop()

    async def finish(self) -> bool:
        """Gives the whole result its name in the storage; returns whether it certainly has it."""
        if self._ahead is None:
            return False
        with suppress(Exception):
            await self._aside.end()
            if self._ahead.begun:
                self._aside.start(self._ahead.finish)
                await self._aside.end()
                return True
        return False

    async def close(self) -> None:
        """Takes back what was sent of a result that was not finished."""
        if self._ahead is not None:
            self.give_up()
            with suppress(Exception):
                await self._aside.end()
            await asyncio.to_thread(self._ahead.abort)


@asynccontextmanager
async def sending(ahead: Ahead | None) -> AsyncIterator[Sending]:
    """Gives what sends a result ahead; takes back what it sent, unless it finished."""
    made = Sending(ahead)
    try:
        yield made
    finally:
        await made.close()
