"""Running the emulator: in the foreground until told to stop, or beside a program as a context manager."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import uvicorn

from deployments.emulator.app import make_app
from deployments.emulator.audit import AuditEntry, Counters, Stage, counters, entry
from deployments.emulator.config import EmulatorConfig
from deployments.emulator.faults import Fault, Operation
from deployments.emulator.misbehave import ReachableProtocol
from deployments.emulator.world import Awaited, World

_T = TypeVar("_T")
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """uvicorn with the signals left to us, and everyone who waits let go before it shuts down."""

    def __init__(self, config: EmulatorConfig, on_ready: Callable[[World], None]) -> None:
        self._app = make_app(config)
        self._on_ready = on_ready
        super().__init__(
            uvicorn.Config(
                self._app,
                http=ReachableProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                date_header=False,  # provider time is told by the answers themselves
                timeout_keep_alive=75,  # seconds, as gateways have it: an idle client must not meet a closed door
                timeout_graceful_shutdown=5,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._on_ready(self._app.state.world)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the waiting go, then stop."""
        self._app.state.world.close()
        await super().shutdown(sockets)


def serve(config: EmulatorConfig, on_ready: Callable[[str], None] = lambda url: None) -> None:
    """Run an emulator in the foreground until SIGINT or SIGTERM.

    Args:
        config: Its settings.
        on_ready: Called with the emulator's URL once it answers.

    Raises:
        OSError: The address cannot be listened on, for example because the port is taken.
    """
    with _listen(config) as listener:
        server = _Server(config, lambda world: on_ready(_url(config, listener)))

        async def run() -> None:
            loop = asyncio.get_running_loop()
            for stop in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(stop, lambda: setattr(server, "should_exit", True))
            await server.serve([listener])

        asyncio.run(run())


class Emulator:
    """An emulator that runs beside the program, in a thread of its own, while the context is open.

    Args:
        config: Its settings; by default any free port.

    Example:
        ```python
        with Emulator(EmulatorConfig(port=0, clock_scale=60)) as emulator:
            print(emulator.dashscope_base_url)
        ```
    """

    def __init__(self, config: EmulatorConfig | None = None) -> None:
        self.config = config or EmulatorConfig(port=0)
        self._listener: socket.socket | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._listener = _listen(self.config)
        self._url = _url(self.config, self._listener)
        self._server = _Server(self.config, self._is_ready)
        self._thread = threading.Thread(target=self._run, name="emulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._url

    @property
    def dashscope_base_url(self) -> str:
        """What DASHSCOPE_HTTP_BASE_URL takes; ends in `/api/v1`."""
        return f"{self._url}/api/v1"

    @property
    def apiyi_base_url(self) -> str:
        """What APIYI_BASE_URL takes: scheme and host."""
        return self._url

    def audit(self) -> list[AuditEntry]:
        """Every accepted create, oldest first, with its state and cost now."""

        def read() -> list[AuditEntry]:
            self._world.books.settle(self._world.clock.now())
            return [entry(task, self.config) for task in self._world.books.tasks.values()]

        return self._there(read)

    def counters(self) -> Counters:
        """All counters as they stand."""

        def read() -> Counters:
            self._world.books.settle(self._world.clock.now())
            return counters(self._world.tally, self._world.books)

        return self._there(read)

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Replace all faults that are switched on; an empty list switches all off."""
        self._there(lambda: self._world.faults.set(faults))

    def advance(self, seconds: float) -> None:
        """Move provider time forward by so many provider seconds."""
        self._there(lambda: self._world.advance(seconds))

    def now(self) -> float:
        """Provider time in epoch seconds."""
        return self._there(self._world.clock.now)

    def reset(self) -> None:
        """Forget every provider task, file and count, and go back to the configured faults."""
        self._there(self._world.reset)

    def wait(
        self,
        *,
        count: int = 1,
        operation: Operation | None = None,
        stage: Stage = "settled",
        status: str | None = None,
        timeout: float = 60,
    ) -> None:
        """Block until something has happened often enough.

        Args:
            count: How often.
            operation: Wait for requests for this operation that have reached `stage`.
            stage: `received`, or `settled` (answered, reset, or left without an answer).
            status: Wait instead for so many provider tasks in this status.
            timeout: Real seconds to wait at most.

        Raises:
            TimeoutError: It has not come about in time.
        """
        awaited = Awaited(count, operation, stage, status)
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(self._world.wait_for(awaited), timeout), self._loop).result()

    def _there(self, ask: Callable[[], _T]) -> _T:
        """Ask on the emulator's own thread, where its state may be touched."""

        async def asked() -> _T:
            return ask()

        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result()

    def _is_ready(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    def _run(self) -> None:
        assert self._listener is not None
        try:
            asyncio.run(self._server.serve([self._listener]))
        except BaseException as error:  # handed to the thread that waits for the start
            self._failure = error
        finally:
            self._listener.close()
            self._ready.set()


def _listen(config: EmulatorConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    # asyncio switches Nagle's delay off only on sockets that name TCP themselves.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(config: EmulatorConfig, listener: socket.socket) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{listener.getsockname()[1]}"
