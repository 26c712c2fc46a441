"""Wakes whoever looks into an inbox when something may have changed; that it woke nobody changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prefect.logging import get_run_logger
from watchfiles import Change, awatch

from flows.inbox.listing import Inbox
from flows.rules.drops import is_passed_over

#: Changes this close together wake once, in milliseconds; the listing after them sees them all.
_TOGETHER_MS = 200


@asynccontextmanager
async def waking(inbox: Inbox, changed: asyncio.Event) -> AsyncIterator[None]:
    """Sets an event at every change in an inbox on this machine's disk, for as long as the context lasts.

    Args:
        inbox: The inbox; one on another storage wakes nobody.
        changed: The event.
    """
    root = inbox.store.local_root
    if root is None:
        yield
        return
    watcher = asyncio.create_task(_watch(inbox, root, changed))
    await asyncio.sleep(0)  # it listens from now on, before the first look
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def _watch(inbox: Inbox, root: Path, changed: asyncio.Event) -> None:
    def matters(_: Change, path: str) -> bool:
        name = Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path
        return not inbox.is_ours(name) and not is_passed_over(name)

    try:
        async for _ in awatch(root, watch_filter=matters, debounce=_TOGETHER_MS, force_polling=False):
            changed.set()
    except (OSError, RuntimeError) as error:
        # Out of watches, or a folder of a network that tells nothing: the regular look is there for that.
        get_run_logger().warning("%s cannot be watched (%s); it is looked into regularly", root, error)
