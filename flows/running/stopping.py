"""A run that is stopped on a worker lets go as one on the command line does, and says what runs on.

Cancelling a run in the Prefect UI, or stopping its worker, sends SIGTERM. Prefect's own handler raises out of the event
loop, whatever is under way there: the answer to a create would be lost, and its job have to be held.
"""

import asyncio
import functools
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled

from flows.running.progress import Step
from flows.running.tally import ALIVE

P = ParamSpec("P")
R = TypeVar("R")
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
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        assert current is not None
        if not self._flow_runs and not self._takes_over(loop):
            yield
            return
        self._flow_runs.add(current)
        try:
            yield
        finally:
            self._flow_runs.discard(current)
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
        for running in self._flow_runs:
            running.cancel()


#: A process has one handler for a signal.
STOPPING = Stopping()


def cancellable(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Lets a flow that a person cancels end as cancelled.

    Prefect tells a cancelled run from a crashed one by its own signal handler, which a run of ours has replaced. As
    crashed, the run would be started again by the automation that does so.
    """

    @functools.wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except asyncio.CancelledError:
            if current := asyncio.current_task():
                current.uncancel()
            if await _is_to_be_cancelled():
                return cast(R, Cancelled(message="Cancelled; the log says what runs on at the provider."))
            raise

    return run


async def _is_to_be_cancelled() -> bool:
    """Whether somebody asked for the end of the current flow run; False when the server cannot tell."""
    with suppress(Exception):
        async with asyncio.timeout(10), get_client() as client:
            state = (await client.read_flow_run(UUID(flow_run.get_id()))).state
            return state is not None and state.is_cancelling()
    return False


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
