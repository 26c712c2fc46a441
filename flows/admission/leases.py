"""Slots of a Prefect global concurrency limit as one process holds them: asked for one at a time, kept by leases.

Prefect's own context manager keeps a thread and an HTTP client per slot. Here one connection serves all slots, one
loop renews their leases, and for each limit at most one request asks for a further slot, whoever waits.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flows.admission.limits import LimitsUnreachable

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

#: What a killed process held is free this much later: soon enough, since its provider tasks run on for as long,
#: and late enough for a server that restarts.
LEASE_SECONDS = 120.0
RENEW_SECONDS = 30.0
#: A slot is passed on within its process for so long; then every process that waits gets its chance.
TENURE_SECONDS = 30.0
#: How long to wait before asking again for a slot that was not free.
ASK_AGAIN_SECONDS = (0.3, 0.9)
#: How long a server that does not answer is waited for before the jobs that need a slot are given up.
PATIENCE_SECONDS = 180.0
_CALL_SECONDS = 10.0
_RENEWALS_AT_ONCE = 8


class Slot:
    """One slot, wanted or held.

    Attributes:
        lease: The server's name for it; None while it is waited for.
        since: When this process got the lease, on the loop's clock.
        until: When the lease runs out unless it is renewed.
    """

    def __init__(self) -> None:
        self.lease: UUID | None = None
        self.since = self.until = 0.0
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class LeaseKeeper:
    """The connection to the Prefect server that keeps the limits, and the leases this process holds there.

    Attributes:
        slots: The slots in use here, each with the limit it is of.
        changed: Set for a moment whenever leases were renewed or come by.
    """

    def __init__(self) -> None:
        self.slots: dict[Slot, Gate] = {}
        self.changed = asyncio.Event()
        self._open = AsyncExitStack()
        self._client: PrefectClient | None = None
        self._opening = asyncio.Lock()
        self._work: set[asyncio.Task[None]] = set()
        self._renewing: asyncio.Task[None] | None = None

    async def make(self, name: str, count: int) -> None:
        """Makes a limit with so many slots, or sets the one that is there to as many."""
        client = await self._connected()
        async with asyncio.timeout(_CALL_SECONDS):
            await client.upsert_global_concurrency_limit_by_name(name, count)

    async def ask(self, name: str) -> UUID | None:
        """Returns the lease of a slot, None when none is free.

        Raises:
            LookupError: There is no such limit.
        """
        from prefect.exceptions import PrefectHTTPStatusError

        client = await self._connected()
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                answer = await client.increment_concurrency_slots_with_lease([name], 1, "concurrency", LEASE_SECONDS)
        except PrefectHTTPStatusError as error:
            if error.response.status_code == 423:  # Locked: all slots are taken
                return None
            raise
        told = answer.json()
        lease = UUID(told["lease_id"])
        if not told["limits"]:  # Prefect leases slots of limits that do not exist, which limits nothing
            self.give_back(lease)
            raise LookupError(name)
        return lease

    def keep(self, slot: Slot, gate: "Gate") -> None:
        """Renews a slot's lease from now on."""
        self.slots[slot] = gate
        self._renewing = self._renewing or asyncio.create_task(self._renew_always())
        self._tell_of_change()

    def drop(self, slot: Slot) -> None:
        """Keeps a slot no longer, and gives it back to the server."""
        self.slots.pop(slot, None)
        if slot.lease is not None:
            self.give_back(slot.lease)

    def give_back(self, lease: UUID) -> None:
        """Frees a slot at the server, in the background."""
        self.do(self._give_back(lease))

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something in the background; closing waits for it."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def close(self) -> None:
        """Gives everything back and closes the connection."""
        if self._renewing is not None:
            self._renewing.cancel()
        await self._worked()  # turns to create are given back a second after their POST, not before
        for slot in list(self.slots):
            self.drop(slot)
        await self._worked()
        await self._open.aclose()

    async def _worked(self) -> None:
        while self._work:
            await asyncio.wait(self._work)

    async def _connected(self) -> "PrefectClient":
        async with self._opening:
            if self._client is None:
                from prefect.client.orchestration import get_client

                self._client = await self._open.enter_async_context(get_client())
            return self._client

    async def _give_back(self, lease: UUID) -> None:
        try:
            client = await self._connected()
            async with asyncio.timeout(_CALL_SECONDS):
                await client.release_concurrency_slots_with_lease(lease)
        except Exception:  # noqa: S110 - the lease runs out by itself
            pass

    async def renew_all(self) -> None:
        """Renews all leases once; those that ran out and went to others are asked for anew."""
        turns = asyncio.Semaphore(_RENEWALS_AT_ONCE)
        await asyncio.gather(*(self._renew(slot, gate, turns) for slot, gate in list(self.slots.items())))
        self._tell_of_change()

    async def _renew_always(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew_all()

    def _tell_of_change(self) -> None:
        self.changed.set()
        self.changed.clear()

    async def _renew(self, slot: Slot, gate: "Gate", turns: asyncio.Semaphore) -> None:
        from prefect.exceptions import PrefectHTTPStatusError

        async with turns:
            asked = asyncio.get_running_loop().time()
            if slot.lease is None or slot not in self.slots:
                return
            try:
                client = await self._connected()
                async with asyncio.timeout(_CALL_SECONDS):
                    await client.renew_concurrency_lease(slot.lease, LEASE_SECONDS)
            except PrefectHTTPStatusError as error:
                # Gone: it ran out, and the slot was given to others. Whoever left it meanwhile wants it no more.
                if error.response.status_code == 410 and slot in self.slots:
                    gate.regain(slot)
            except Exception:  # noqa: S110 - the next round may get through; until the lease runs out all is well
                pass
            else:
                slot.until = asked + LEASE_SECONDS


class Gate:
    """One limit, as this process holds and wants its slots: whoever asks first gets the first.

    Args:
        keeper: Where the limit is kept.
        name: The limit's name at the Prefect server.
        count: How many slots it has.
    """

    def __init__(self, keeper: LeaseKeeper, name: str, count: int) -> None:
        self._keeper = keeper
        self.name = name
        self._count = count
        self._wanted: deque[Slot] = deque()
        self._hunting = False
        self._made = False

    @property
    def held(self) -> int:
        """How many slots this process holds, those whose lease ran out included."""
        return sum(gate is self for gate in self._keeper.slots.values())

    async def take(self) -> Slot:
        """Waits for a slot.

        Raises:
            LimitsUnreachable: The server cannot be asked, and was waited for.
        """
        slot = Slot()
        self._wanted.append(slot)
        self._hunt()
        try:
            await slot.answered
        except BaseException:
            self.leave(slot)
            raise
        return slot

    def leave(self, slot: Slot) -> None:
        """Passes a slot on to whoever waits here, or gives it back when it was long with this process."""
        if slot in self._wanted:
            self._wanted.remove(slot)
        now = asyncio.get_running_loop().time()
        if slot.lease is None or slot not in self._keeper.slots:
            self._keeper.slots.pop(slot, None)
        elif self._wanted and now < min(slot.since + TENURE_SECONDS, slot.until):
            del self._keeper.slots[slot]
            self._give(slot.lease, slot.since, slot.until)
        else:
            self._keeper.drop(slot)

    def regain(self, slot: Slot) -> None:
        """Asks anew for a slot whose lease was lost while it is in use, before any other is asked for."""
        slot.lease = None
        self._wanted.appendleft(slot)
        self._hunt()

    async def all_leased(self) -> None:
        """Waits until every slot in use here is one the server knows of: nothing more may be created before."""
        while any(
            slot.lease is None or slot.until <= asyncio.get_running_loop().time()
            for slot, gate in self._keeper.slots.items()
            if gate is self
        ):
            await self._keeper.changed.wait()

    def _give(self, lease: UUID, since: float, until: float) -> None:
        slot = self._wanted.popleft()
        slot.lease, slot.since, slot.until = lease, since, until
        self._keeper.keep(slot, self)
        if not slot.answered.done():
            slot.answered.set_result(None)

    def _hunt(self) -> None:
        if not self._hunting:
            self._hunting = True
            self._keeper.do(self._hunt_on())

    async def _hunt_on(self) -> None:
        """Asks for slots, one at a time, as long as any is wanted."""
        loop = asyncio.get_running_loop()
        trusted = loop.time()
        try:
            while self._wanted:
                asked = loop.time()
                lease = None
                try:
                    lease = await self._ask()
                    trusted = loop.time()
                except Exception as error:
                    if loop.time() > trusted + PATIENCE_SECONDS:
                        self._give_up(error)
                if lease is None:
                    await asyncio.sleep(random.uniform(*ASK_AGAIN_SECONDS))  # noqa: S311 - keeps processes apart
                elif self._wanted:
                    self._give(lease, asked, asked + LEASE_SECONDS)
                else:
                    self._keeper.give_back(lease)
        finally:
            self._hunting = False

    async def _ask(self) -> UUID | None:
        if not self._made:
            await self._keeper.make(self.name, self._count)
            self._made = True
        try:
            return await self._keeper.ask(self.name)
        except LookupError:
            self._made = False
            raise

    def _give_up(self, error: Exception) -> None:
        """Tells those that have not begun; a slot in use goes on without its lease."""
        for slot in [slot for slot in self._wanted if not slot.answered.done()]:
            self._wanted.remove(slot)
            slot.answered.set_exception(
                LimitsUnreachable(
                    f"the Prefect server that keeps the limit {self.name} could not be asked for "
                    f"{PATIENCE_SECONDS:.0f} s ({type(error).__name__}: {error})"
                )
            )
