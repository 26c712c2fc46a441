"""Everything one running emulator holds, and the loop that drives the provider tasks through their lives."""

import asyncio
import contextlib
import logging
import math
import uuid
from dataclasses import dataclass
from pathlib import Path

from deployments.emulator.audit import Stage, Tally
from deployments.emulator.books import Books
from deployments.emulator.clock import Clock
from deployments.emulator.config import EmulatorConfig
from deployments.emulator.errors import INTERNAL, ErrorText, RefusedError
from deployments.emulator.faults import Faults, Operation
from deployments.emulator.keys import KeyRing
from deployments.emulator.signing import Signer
from deployments.emulator.store import Store
from deployments.emulator.tasks import Outcome, ProviderTask
from deployments.emulator.workshop import Materials, Workshop

_LOG = logging.getLogger(__name__)
_FOREVER = 10 * 365 * 24 * 3600.0  # seconds: addresses need some date even when nothing expires
_PURGE_SECONDS = 600  # real seconds: files may lie a little longer than their address works


@dataclass(frozen=True)
class Awaited:
    """What a client of the control addresses waits for.

    Either `operation` has reached `stage` `count` times, or `count` provider tasks have a `status`.
    """

    count: int
    operation: Operation | None = None
    stage: Stage = "settled"
    status: str | None = None


class World:
    """One emulator's state. All of it is touched on the event loop's thread only.

    Args:
        config: Its settings.
        folder: Where it keeps files.
    """

    def __init__(self, config: EmulatorConfig, folder: Path) -> None:
        self.config = config
        self.clock = Clock(config.clock_scale, config.clock_skew_seconds)
        self.keys = KeyRing(config)
        self.signer = Signer()
        self.store = Store(folder)
        self.workshop = Workshop(folder, self.store, config.effort, config.workers)
        self.faults = Faults(config.faults, config.seed)
        self.books = Books(config, self._start)
        self.tally = Tally()
        self.closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._gathered: dict[str, Materials] = {}
        self._work: set[asyncio.Task[None]] = set()

    def reset(self) -> None:
        """Forget every provider task, file and count, and go back to the configured faults."""
        for work in self._work:
            work.cancel()
        self.books = Books(self.config, self._start)
        self.tally = Tally()
        self.faults = Faults(self.config.faults, self.config.seed)
        self.store.clear()
        self._gathered.clear()
        self.touch()

    def touch(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Drive the provider tasks until cancelled."""
        last_purge = self.clock.now()
        while True:
            now = self.clock.now()
            self.books.settle(now)
            if now - last_purge > _PURGE_SECONDS * self.clock.scale:
                self.store.purge(now)
                last_purge = now
            self.touch()
            await self._sleep_until(self.books.next_event())

    async def wait_for(self, awaited: Awaited) -> None:
        """Return once what is awaited has come about, or the emulator is closing."""
        while not self.closing.is_set() and not self._is_there(awaited):
            await self._changed.wait()

    def advance(self, seconds: float) -> None:
        """Move provider time forward and let everything happen that is due by then."""
        self.clock.advance(seconds)
        self.books.settle(self.clock.now())
        self.touch()

    def close(self) -> None:
        """Let everyone go who waits, and stop the work."""
        self.closing.set()
        self.clock.stop()
        self.touch()
        for work in self._work:
            work.cancel()
        self.workshop.close()

    def hold(self, task: ProviderTask, materials: Materials) -> None:
        """Keep media that were already fetched at create for the run."""
        self._gathered[task.provider_task_id] = materials

    def _is_there(self, awaited: Awaited) -> bool:
        if awaited.operation is not None:
            return self.tally.count(awaited.operation, awaited.stage) >= awaited.count
        tasks = self.books.tasks.values()
        return sum(1 for task in tasks if task.status == awaited.status) >= awaited.count

    async def _sleep_until(self, instant: float) -> None:
        """Wait for an instant of provider time or for a change, whichever comes first."""
        left = (instant - self.clock.now()) / self.clock.scale
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(left) else left):
                await self._changed.wait()

    def _start(self, task: ProviderTask) -> None:
        work = asyncio.create_task(self._run_task(task))
        self._work.add(work)
        work.add_done_callback(self._work.discard)

    async def _run_task(self, task: ProviderTask) -> None:
        """Do the work of a provider task that has started, and note how it came out."""
        assert task.started_at is not None
        if task.fate is not None and task.fate.ends == "stays_running":
            return
        if task.fate is not None and task.fate.ends == "failed":
            at = task.started_at + task.run_seconds
            task.outcome = Outcome(at, ErrorText(200, task.fate.code, task.fate.message))
        else:
            try:
                task.outcome = await self._edit(task)
            except RefusedError as refused:
                task.outcome = Outcome(self.clock.now(), refused.text)
            except Exception:
                _LOG.exception("The studio failed on provider task %s", task.provider_task_id)
                task.outcome = Outcome(self.clock.now(), INTERNAL)
        self.touch()

    async def _edit(self, task: ProviderTask) -> Outcome:
        if task.request is None:
            assert task.refusal is not None
            raise RefusedError(task.refusal)
        materials = self._gathered.pop(task.provider_task_id, None) or await self.workshop.gather(
            task.request, task.rules, task.customer, self.clock.now()
        )
        video, seconds = await self.workshop.make(task.request, task.rules, materials, task.provider_task_id)
        assert task.started_at is not None
        at = self.clock.now()
        written = max(at, task.started_at + task.run_seconds)
        validity = self.books.limits(task.rules.provider).validity_seconds or _FOREVER
        result = self.store.keep_result(
            video,
            task.provider_task_id,
            self.config.region if task.rules.provider == "dashscope" else "cn-beijing",
            task.request.watermark,
            written,
            written + validity,
        )
        return Outcome(at, None, result, round(materials.clip.seconds, 2), round(seconds, 2))


def new_request_id() -> str:
    """A fresh id for one request."""
    return str(uuid.uuid4())
