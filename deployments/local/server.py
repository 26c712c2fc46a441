"""The local Prefect server: a process that serves one PREFECT_HOME and stops when nobody needs it.

Started by `deployments.local.connect` as `python -m deployments.local.server HOME PORT IDLE_SECONDS`, with the
home's server lock as an inherited descriptor (kept, never touched) and its output going to the home's log.
"""

import asyncio
import gc
import os
import shutil
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployments.local.home import Home, ServerState
from deployments.server_settings import SERVER_SETTINGS

if TYPE_CHECKING:
    import uvicorn

LOOK_SECONDS: Final = 1.0  # how often the server asks whether it is still needed
GOODBYE_SECONDS: Final = 5  # what open connections get to finish when the server stops
STOP_SECONDS: Final = 20.0  # a stop that takes longer is cut short, because new clients wait for it
LOG_BYTES: Final = 2_000_000  # a longer log starts anew; the full one is kept once


def main(home: Home, port: int, idle_seconds: float) -> None:
    """Announces the server and serves until it has had no client for a while.

    Args:
        home: Whose runs to serve.
        port: The port to prefer, so that browsers and waiting clients find a successor; 0 for any.
        idle_seconds: How long to wait for the next client.
    """
    listener = _listen(port)
    if os.fork():  # nobody's child: whoever started it may go, or stay without collecting a zombie
        os._exit(0)
    state = ServerState(port=listener.getsockname()[1], pid=os.getpid())
    home.write_state(state)
    os.chdir(home.path)  # keeps no folder of the user busy, and finds no project's Prefect settings
    for name, value in SERVER_SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ["PREFECT_UI_API_URL"] = state.url
    # Web pages from elsewhere have no business with the runs and blocks of this machine.
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = state.ui_url
    asyncio.run(_serve(listener, home, idle_seconds))


def _listen(port: int) -> socket.socket:
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError:  # someone else has taken it meanwhile
        listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sees to this for sockets of its own making only; without it every answer comes 40 ms late.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(listener: socket.socket, home: Home, idle_seconds: float) -> None:
    server = _make_server()
    serving = asyncio.create_task(server.serve([listener]))
    with home.clients_lock() as clients:
        needed = time.monotonic()
        while not server.should_exit:
            await asyncio.sleep(LOOK_SECONDS)
            _bound_log(home)
            if not clients.try_exclusive():
                needed = time.monotonic()
            elif time.monotonic() - needed < idle_seconds:
                clients.release()
            else:
                server.should_exit = True
        cut = threading.Timer(STOP_SECONDS, os._exit, [1])
        cut.daemon = True
        cut.start()
        await serving


def _make_server() -> "uvicorn.Server":
    gc.disable()  # of the many objects that imports make none is garbage: not looking saves half a second
    import uvicorn
    from prefect.server.api.server import create_app
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from deployments.local.sqlite import wait_for_the_write_lock

    wait_for_the_write_lock()
    # A page whose host name was made to point at this machine is from elsewhere too.
    app = TrustedHostMiddleware(create_app(final=True), allowed_hosts=["127.0.0.1"])
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        # Prefect's UI would call an analytics service, although analytics are off.
        headers=[("Content-Security-Policy", "connect-src 'self'")],
    )
    return uvicorn.Server(config)


def _bound_log(home: Home) -> None:
    with suppress(FileNotFoundError):
        if home.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(home.log, home.old_log)
            os.truncate(home.log, 0)


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), port=int(sys.argv[2]), idle_seconds=float(sys.argv[3]))
