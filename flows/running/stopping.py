"""A run that is stopped on a worker lets go as one on the command line does, and says what runs on.

Cancelling a run in the Prefect UI, or stopping its worker, sends SIGTERM. Prefect's own handler raises out of the event
loop, whatever is under way there: the answer to a create would be lost, and its job have to be held.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prefect.logging import get_run_logger

from flows.running.progress import Step
from flows.running.tally import ALIVE

#: More jobs than this are only counted.
_NAMED = 10


class Stopping:
    """Turns SIGTERM into a cancellation of the flow runs of this process.

    Only the main thread can hear signals: on the command line, which has a handler of its own, flows run on another.
    """

    def __init__(self) -> None:
        self._flow_runs: set[asyncio.Task[Any]] = set()
        self._handler: Any = None
        self._before: Any = signal.SIG_DFL

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hears SIGTERM for the current flow run for as long as the context lasts."""
        loop, flow_run = asyncio.get_running_loop(), asyncio.current_task()
        assert flow_run is not None
        if not self._flow_runs and not self._takes_over(loop):
            yield
            return
        self._flow_runs.add(flow_run)
        try:
            yield
        finally:
            self._flow_runs.discard(flow_run)
            if not self._flow_runs:
                self._handler = None
                loop.remove_signal_handler(signal.SIGTERM)
                signal.signal(signal.SIGTERM, self._before)

    def _takes_over(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Puts a handler of our own in place; returns False where that cannot be had."""
        before = signal.getsignal(signal.SIGTERM)
        try:
            loop.add_signal_handler(signal.SIGTERM, self._cancel_all)
        except (RuntimeError, ValueError, NotImplementedError):  # not the main thread, or Windows
            return False
        self._handler, self._before = signal.getsignal(signal.SIGTERM), before
        return True

    def hear_again(self) -> None:
        """Takes SIGTERM back from Prefect, which puts its own handler in place with each flow inside a flow."""
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)

    def _cancel_all(self) -> None:
        for flow_run in self._flow_runs:
            flow_run.cancel()


#: A process has one handler for a signal.
STOPPING = Stopping()


class Alive:
    """Follows which jobs have, or may have, a provider task that is not fetched yet."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def see(self, step: Step) -> None:
        """Takes in a step of a job."""
        if step.stage in ALIVE:
            self._names[step.job_key] = step.name
        else:
            self._names.pop(step.job_key, None)

    async def log(self, provider_task_id: Callable[[str], Awaitable[str | None]]) -> None:
        """Says in the flow run's log, which the Prefect UI shows, what a stopped run leaves running.

        Args:
            provider_task_id: Looks the provider task of a job up.
        """
        get_run_logger().warning(await self.told(provider_task_id))

    async def told(self, provider_task_id: Callable[[str], Awaitable[str | None]]) -> str:
        """Returns what a stopped run leaves running, in words."""
        ids = {name: await provider_task_id(key) for key, name in self._names.items()}
        if not ids:
            return "Stopped; this run itself leaves nothing running at the provider."
        named = [f"{name} ({found or 'its create may have got no answer'})" for name, found in ids.items()]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        jobs = "1 job has" if len(named) == 1 else f"{len(named)} jobs have"
        return (
            f"Stopped; what {jobs} at the provider runs on, and is billed if it succeeds: "
            f"{', '.join(named[:_NAMED])}{more}. All of it is recorded: a sweep, or another run of the same jobs, "
            "fetches the results, and nothing is created twice. To stop one that still queues: recut cancel."
        )
