"""Wakes polls when the provider's own event says that their provider task is over; that it woke nobody costs nothing.

The relay turns DashScope's event into one of the Prefect server's. Anybody who may send events there can send this
one too, and none is sure to arrive: it moves the moment of a look, and the look decides.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.logging import get_logger

#: The event of the Prefect server that a provider task is over. A look finds out how.
PROVIDER_TASK_FINISHED: Final = "recut.provider-task.finished"
#: Seconds until the server is tried again. It tells newcomers most of the last minute's events: less is missed so.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS: Final = 45.0


class Waking:
    """Tells the polls of one run which provider tasks are said to be over, by one connection for all of them.

    Args:
        listens: Whether it listens to the Prefect server at all; otherwise nobody is ever woken.
    """

    def __init__(self, *, listens: bool) -> None:
        self._listens = listens
        self._waiting: dict[str, asyncio.Event] = {}
        self._listener: asyncio.Task[None] | None = None

    @contextmanager
    def at_end_of(self, provider_task_id: str) -> Iterator[asyncio.Event]:
        """Gives an event that is set whenever the provider task is said to be over; clear it to hear of it again.

        The first who asks makes the run listen.
        """
        if self._listens and self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        self._waiting[provider_task_id] = woken = asyncio.Event()
        try:
            yield woken
        finally:
            self._waiting.pop(provider_task_id, None)

    async def close(self) -> None:
        """Stops listening."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        """Listens for as long as the run lasts; while the server cannot be heard, polls go by their own times."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            reason: object = "it closed the connection"
            try:
                names = EventFilter(event=EventNameFilter(name=[PROVIDER_TASK_FINISHED]))
                async with get_events_subscriber(names, reconnection_attempts=0) as events:
                    async for event in events:
                        pause = FIRST_PAUSE_SECONDS
                        self._wake(event.payload.get("provider_task_id"))
            except Exception as error:  # a socket and what is said on it fail in many ways, and none of them matters
                reason = error
            get_logger("recut").debug("the Prefect server tells no events (%s); polls go on by themselves", reason)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    def _wake(self, provider_task_id: object) -> None:
        if isinstance(provider_task_id, str) and provider_task_id in self._waiting:
            self._waiting[provider_task_id].set()
