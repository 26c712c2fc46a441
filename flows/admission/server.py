"""Limits kept by a Prefect server: its global concurrency limits hold across processes and machines.

They are made when first needed, set anew when the numbers change, and to be seen in the Prefect UI. If the server
cannot be asked, nothing is created; what runs at the provider is followed all the same.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from flows.admission.leases import Gate, LeaseKeeper, Slot
from flows.admission.limits import Limits, OwnLimits
from flows.rules.offers import Quotas
from flows.rules.records import Endpoint

#: Looks are shared out among all slots and this many besides, for those who look and hold none, such as a sweep.
SPARE_SHARES = 2
#: An account's looks are limited over all its models together, and so many models edit videos.
MODELS = 2


class ServerLimits(Limits):
    """Limits that hold among all processes that use the same Prefect server.

    Args:
        own: What the team set itself.
    """

    def __init__(self, own: OwnLimits | None = None) -> None:
        super().__init__(own)
        self._keeper = LeaseKeeper()
        self._gates: dict[str, Gate] = {}
        self._looks: dict[str, float] = {}
        self._looking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def slot(self, endpoint: Endpoint, quotas: Quotas) -> AsyncIterator[None]:
        """Holds one slot; within a process, whoever asked first gets it first."""
        gate = self._running(endpoint, quotas)
        slot = await gate.take()
        try:
            yield
        finally:
            gate.leave(slot)

    @asynccontextmanager
    async def submit_turn(self, endpoint: Endpoint, quotas: Quotas) -> AsyncIterator[Callable[[], None]]:
        """Holds one of as many slots as creates may begin in a second, until a second after the POST began.

        So never more begin in any second, and nearly as many can. A limit of Prefect's that decays reaches 70 %
        of its rate, or lets twice as many through at first.
        """
        await self._running(endpoint, quotas).all_leased()
        rate = self.submit_rate(quotas)
        gate = self._gate("submits", endpoint, max(1, math.floor(rate)))
        slot = await gate.take()
        loop = asyncio.get_running_loop()
        began = loop.time()

        def begins() -> None:
            nonlocal began
            began = loop.time()

        try:
            yield begins
        finally:
            self._keeper.do(_leave(gate, slot, began + max(1.0, 1 / rate)))

    async def query_turn(self, endpoint: Endpoint, quotas: Quotas) -> None:
        """Waits for the next look of this process's share of the account's rate.

        The share is that of the slots it holds among all slots: the shares of all processes add up to the account's
        rate without a word between them.
        """
        gate = self._running(endpoint, quotas)
        async with self._looking[gate.name]:
            share = max(1, gate.held) / (self.slots(quotas) + SPARE_SHARES) / MODELS
            loop = asyncio.get_running_loop()
            turn = self._looks.get(gate.name, 0.0) + 1 / (self.query_rate(quotas) * share)
            await asyncio.sleep(turn - loop.time())
            self._looks[gate.name] = max(turn, loop.time())

    async def close(self) -> None:
        """Gives back what is still held, and closes the connection to the server."""
        await self._keeper.close()

    def _running(self, endpoint: Endpoint, quotas: Quotas) -> Gate:
        return self._gate("running", endpoint, self.slots(quotas))

    def _gate(self, what: str, endpoint: Endpoint, count: int) -> Gate:
        name = f"recut-{what}-{endpoint.account}-{endpoint.model}"
        if name not in self._gates:
            self._gates[name] = Gate(self._keeper, name, count)
        return self._gates[name]


async def _leave(gate: Gate, slot: Slot, moment: float) -> None:
    await asyncio.sleep(moment - asyncio.get_running_loop().time())
    gate.leave(slot)
