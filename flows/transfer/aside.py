"""Work in a thread beside what the event loop does: one piece at a time, waited for also by those who stop."""

import asyncio
from collections.abc import Callable


class Aside:
    """Runs functions in a thread, one at a time; after one that failed, no other."""

    def __init__(self) -> None:
        self._call: asyncio.Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Starts a function, unless one is running still.

        Raises:
            Exception: What an earlier one failed with.
        """
        if self._call is not None:
            if not self._call.done():
                return
            self._call.result()
        self._call = asyncio.ensure_future(asyncio.to_thread(work))

    async def end(self) -> None:
        """Waits until nothing runs.

        Raises:
            Exception: What a function failed with.
        """
        if self._call is not None:
            # A thread cannot be cancelled: whoever waits after a cancelled wait waits for the same one.
            await asyncio.shield(self._call)
