"""Work that many jobs want at the same time, done once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Gives everybody who asks together the result of one piece of work."""

    def __init__(self) -> None:
        self._latest: dict[Hashable, asyncio.Future[Any]] = {}
        self._next: dict[Hashable, asyncio.Future[Any]] = {}

    async def fresh(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Returns what work found that began after this call; its error is everybody's too.

        Args:
            key: What the work is about; two pieces of one key never overlap.
            work: Does it.
        """
        if key not in self._next:
            self._next[key] = asyncio.ensure_future(self._in_turn(key, work))
        result: T = await asyncio.shield(self._next[key])
        return result

    async def _in_turn(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        if key in self._latest:
            await asyncio.wait([self._latest[key]])
        # From here on it may miss what just happened: who asks now waits for the one after.
        self._latest[key] = self._next.pop(key)
        return await work()
