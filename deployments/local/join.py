"""Finds the local server of a home, or starts it; of several commands at once exactly one does."""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from deployments.local.health import ServerUnreachable, answers
from deployments.local.home import Home, ServerState
from deployments.local.locks import Lock

START_SECONDS: Final = 120.0  # a first start migrates the database: 8 s on two quiet cores
LOOK_SECONDS: Final = 0.05
IDLE_SECONDS: Final = "300"


def join(home: Home) -> ServerState:
    """Returns the server that serves `home`, once it answers, and sets PREFECT_API_URL to it.

    The caller holds a client lease, so the server does not stop by itself. When a server has to be started,
    Prefect is imported meanwhile, as the caller will want it next.

    Raises:
        ServerUnreachable: The server does not start, or does not answer.
    """
    deadline = time.monotonic() + START_SECONDS
    started = False
    while (left := deadline - time.monotonic()) > 0:
        with home.server_lock() as lock:
            if lock.try_exclusive():
                if started:
                    raise ServerUnreachable(
                        f"The local Prefect server did not start: {_last_words(home)}. Nothing was created. All it "
                        f"said is in {home.log}."
                    )
                _start(home, lock)
                started = True
        if state := home.read_state():
            os.environ["PREFECT_API_URL"] = state.url
            if started:
                importlib.import_module("prefect")
            if answers(state.url, left):
                return state
        time.sleep(LOOK_SECONDS)
    process = f"process {state.pid}" if (state := home.read_state()) else "still starting"
    raise ServerUnreachable(
        f"The local Prefect server ({process}) has not answered for {START_SECONDS:.0f} s. Nothing was created. "
        f"Try again; if that does not help, end the process. What it said is in {home.log}."
    )


def _start(home: Home, lock: Lock) -> None:
    """Starts the server and hands the lock over to it, so that there is no moment for a second one."""
    previous = home.read_state()
    home.forget_state()
    if home.log.exists():
        home.log.replace(home.old_log)
    arguments = [
        str(home.path),
        str(previous.port if previous else 0),
        os.environ.get("RECUT_SERVER_IDLE_SECONDS", IDLE_SECONDS),
    ]
    with home.log.open("ab") as log:
        subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "deployments.local.server", *arguments],
            cwd=Path(__file__).parents[2],  # where `deployments` is found, installed or not
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # Ctrl-C is meant for the command, not for the server
            check=False,  # a server that did not start has given back the lock
        )


def _last_words(home: Home) -> str:
    lines = home.log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
