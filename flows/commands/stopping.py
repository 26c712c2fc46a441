"""Runs a flow so that Ctrl-C, or the SIGTERM of a service that is stopped, lets it finish what money depends on."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")


def run_stoppable(work: Coroutine[Any, Any, T], on_stop: Callable[[], None]) -> T:
    """Runs to the end. The first signal cancels the work and waits for it to let go, the second does not wait.

    The work runs on a thread of its own, where Prefect cannot put its handler over SIGTERM: the exception which that
    one raises breaks out of the event loop, whatever is under way there.

    Args:
        work: What to run.
        on_stop: Called at the first signal.

    Raises:
        asyncio.CancelledError: It was stopped, and has let go.
        KeyboardInterrupt: It was stopped twice.
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()
    ended: Future[T] = Future()

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result((asyncio.get_running_loop(), task))
        return await work

    def run() -> None:
        try:
            ended.set_result(asyncio.run(main()))
        except BaseException as error:  # handed to the thread that waits
            ended.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), name="flow", daemon=True).start()
    loop, task = begun.result()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        with suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(task.cancel)
        on_stop()

    with _handled(stop):
        return ended.result()


@contextmanager
def _handled(stop: Callable[..., None]) -> Iterator[None]:
    """Calls a handler for both signals, but for one that is ignored, as Ctrl-C is in a shell's background."""
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
