"""A real Prefect server as a team runs one, in a process of its own that can be killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.server_settings import SERVER_SETTINGS

_READY_SECONDS = 120


class PrefectServer:
    """The server of one folder, with recut's settings; what is leased and runs out is looked for every second.

    Attributes:
        url: Its API.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/api"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "PrefectServer":
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        own |= SERVER_SETTINGS | {
            "PREFECT_HOME": str(self._folder),
            "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, env=own, stdout=log, stderr=log, start_new_session=True)
        give_up = time.monotonic() + _READY_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
            except OSError:
                assert time.monotonic() < give_up, (self._folder / "log").read_text()
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """Kills it, as a crash does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def used(self) -> Iterator[None]:
        """Makes it the server this process uses."""
        with temporary_settings({PREFECT_API_URL: self.url, PREFECT_CLIENT_MAX_RETRIES: 0}):
            yield

    def limit(self, name: str) -> dict[str, Any] | None:
        """Returns a global concurrency limit as the server tells it, None when there is none."""
        try:
            with urllib.request.urlopen(f"{self.url}/v2/concurrency_limits/{name}", timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    def delete_limit(self, name: str) -> None:
        request = urllib.request.Request(f"{self.url}/v2/concurrency_limits/{name}", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()

    def let_leases_run_out(self) -> None:
        """Lets as much time pass for all leases as they have left."""
        for file in (self._folder / "concurrency_leases").glob("*.json"):
            told = json.loads(file.read_text())
            if file.name == "expirations.json":
                told = dict.fromkeys(told, "2026-01-01T00:00:00+00:00")
            else:
                told["expiration"] = "2026-01-01T00:00:00+00:00"
            file.write_text(json.dumps(told))
