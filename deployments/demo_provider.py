"""The provider of `recut demo`: the emulator and a web server with the sample clips, in a process of its own.

It outlives a demo that is interrupted or killed, as a real provider would, so that the next demo can pick up what
the first one paid for. It stops by itself some minutes after the last demo has gone.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from deployments.emulator import Emulator, EmulatorConfig
from deployments.local.locks import Lock

SAMPLES: Final = Path(__file__).parent / "samples"
#: Provider seconds per real second: minutes of run time pass in seconds.
CLOCK_SCALE: Final = 40.0
#: Asked for first, so that a later demo finds the same addresses, and thus the same jobs.
PORTS: Final = (8710, 8711)
START_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True)
class DemoProvider:
    """Where the demo's provider answers.

    Attributes:
        url: Scheme, host and port of the emulator.
        samples_url: Where the sample clips and pictures are, as on a team's web server.
        pid: Its process id.
    """

    url: str
    samples_url: str
    pid: int


@contextlib.contextmanager
def demo_provider(folder: Path) -> Iterator[DemoProvider]:
    """Starts the demo's provider, or joins the one an earlier demo left; it stays for as long as the context.

    Args:
        folder: Where its lock, state and log are.

    Raises:
        OSError: It does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with Lock(folder / "clients.lock") as clients:
        clients.share()
        yield _join(folder)


def _join(folder: Path) -> DemoProvider:
    deadline = time.monotonic() + START_SECONDS
    state = folder / "provider.json"
    while time.monotonic() < deadline:
        with Lock(folder / "provider.lock") as lock:
            if lock.try_exclusive():
                state.unlink(missing_ok=True)
                _start(folder, lock)
        with contextlib.suppress(FileNotFoundError, ValueError):
            return DemoProvider(**json.loads(state.read_text()))
        time.sleep(LOOK_SECONDS)
    raise OSError(f"the demo's provider did not start; what it said is in {folder / 'provider.log'}")


def _start(folder: Path, lock: Lock) -> None:
    with (folder / "provider.log").open("wb") as log:
        subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "deployments.demo_provider", str(folder)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # Ctrl-C is meant for the demo
        )


def main(folder: Path) -> None:
    """Serves until no demo has needed it for a while; its lock is an inherited descriptor."""
    config = EmulatorConfig(port=_free(PORTS[0]), clock_scale=CLOCK_SCALE)
    with Emulator(config) as emulator, _samples() as samples_url, Lock(folder / "clients.lock") as clients:
        draft = folder / "provider.json.new"
        draft.write_text(json.dumps(asdict(DemoProvider(emulator.url, samples_url, os.getpid()))))
        draft.replace(folder / "provider.json")
        needed = time.monotonic()
        while time.monotonic() - needed < IDLE_SECONDS:
            time.sleep(1)
            if clients.try_exclusive():
                clients.release()
            else:
                needed = time.monotonic()


@contextlib.contextmanager
def _samples() -> Iterator[str]:
    app = Starlette(routes=[Mount("/", StaticFiles(directory=SAMPLES))])
    port = _free(PORTS[1])
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _free(port: int) -> int:
    """Returns the port when it can be had, else 0 for any."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]))
