"""Many wake-ups in a short time become one, and none is lost: whoever adds one waits until it has arrived."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from prefect.events.schemas.events import Event


class Batches:
    """Sends events together: the first at once, what comes during a send or soon after it with the next one.

    Args:
        send: Sends events; raises when they did not arrive.
        pause: Least seconds between two sends.
    """

    def __init__(self, send: Callable[[Sequence[Event]], Awaitable[None]], pause: float) -> None:
        self._send = send
        self._pause = pause
        self._next: dict[str, Event] = {}
        self._arrival: asyncio.Future[None] | None = None
        self._sending: asyncio.Task[None] | None = None

    async def add(self, events: Iterable[Event]) -> None:
        """Has events sent, one for each resource, and waits until they have arrived.

        Raises:
            Exception: What the send raised; none of them may have arrived.
        """
        for event in events:
            self._next[event.resource.id] = event
        if not self._next:
            return
        if self._arrival is None:
            self._arrival = asyncio.get_running_loop().create_future()
        arrival = self._arrival
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all())
        await asyncio.shield(arrival)

    async def _send_all(self) -> None:
        while self._arrival is not None:
            events, arrival = list(self._next.values()), self._arrival
            self._next, self._arrival = {}, None
            try:
                await self._send(events)
            except Exception as error:
                arrival.set_exception(error)
                arrival.exception()  # whoever waited may have hung up
            else:
                arrival.set_result(None)
            await asyncio.sleep(self._pause)
