"""A Prefect server, a worker and recut's deployments as a team runs them: processes of their own that can be killed."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from deployments.local.health import answers
from deployments.server_settings import SERVER_SETTINGS

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 120.0
_TEAMS_OWN = ("RECUT_", "DASHSCOPE_", "APIYI_", "PREFECT_", "AWS_")
T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Returns what a look finds at last; fails when that takes longer than anything here should."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"it did not come to pass: {what}")


def ask(url: str, body: object = None, method: str | None = None, auth: str | None = None) -> Any:
    """Asks a JSON API, again while its database is busy; None when it answers nothing."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"}, method=method)
    if auth is not None:
        request.add_header("Authorization", f"Basic {base64.b64encode(auth.encode()).decode()}")
    if body is not None:
        request.data = json.dumps(body).encode()

    def answered() -> list[Any] | None:
        try:
            with urllib.request.urlopen(request) as response:
                return [json.loads(response.read() or b"null")]
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return None

    return eventually(answered, f"{url} answers")[0]


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def is_healthy(url: str) -> bool:
    """Whether a web application says at ``/health`` that it is there."""
    try:
        with urllib.request.urlopen(f"{url}/health") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Standing:
    """Everything that stands, in one folder.

    Args:
        folder: Holds PREFECT_HOME, RECUT_HOME and logs.
        environment: What the worker and whoever deploys have in their environment.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(_TEAMS_OWN)} | {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.api,
            "PREFECT_UI_API_URL": self.api,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "RECUT_HOME": str(folder / ".recut"),
            **SERVER_SETTINGS,
            **environment,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *module: str, **environment: str) -> None:
        """Starts a process, known by a name, in a session of its own."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=self.folder,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_server(self) -> None:
        self.start("server", "prefect", "server", "start", "--port", str(self.port))
        eventually(lambda: answers(self.api, 5), "the server answers")

    def start_worker(self) -> None:
        self.start("worker", "prefect", "worker", "start", "--pool", "recut", "--name", "worker")

    def deploy(self, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "deployments.deploy"],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def await_success(self, name: str) -> None:
        """Waits until a process has done what it was started for."""
        assert self._processes.pop(name).wait(PATIENCE_SECONDS) == 0, self.said(name)

    def kill(self, name: str) -> None:
        """Kills a process and all it has started, at once."""
        process = self._processes.pop(name)
        for child in [process.pid, *offspring(process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.wait()

    def kill_flow_runs(self) -> None:
        """Kills the processes of all flow runs, but not the worker."""
        for child in offspring(self._processes["worker"].pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def end(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def deployment(self, name: str) -> dict[str, Any]:
        return self.ask(f"deployments/name/{name}")

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        return ask(f"{self.api}/{path}", body, method, self.environment.get("PREFECT_API_AUTH_STRING"))

    def run(self, name: str, **parameters: Any) -> str:
        """Asks for a run of a deployment and returns its id."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return self.ask(f"deployments/{self.deployment(name)['id']}/create_flow_run", body)["id"]

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Returns the runs of a deployment that were due, the newest first."""
        body = {
            "flow_runs": {
                "deployment_id": {"any_": [self.deployment(name)["id"]]},
                "state": {"name": {"not_any_": ["Scheduled"]}},
            },
            "sort": "EXPECTED_START_TIME_DESC",
        }
        return self.ask("flow_runs/filter", body)

    def state(self, run_id: str) -> dict[str, Any]:
        return self.ask(f"flow_runs/{run_id}")["state"]

    def ended(self, run_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Waits for a run's end and returns its last state; a server that is away is waited for."""

        def over() -> dict[str, Any] | None:
            with suppress(OSError):
                state = self.state(run_id)
                return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None
            return None

        return eventually(over, f"run {run_id} ends; the worker said: {self.said('worker')[-4000:]}", seconds)


def offspring(pid: int) -> list[int]:
    """Returns the descendants of a process: a worker gives its flow runs sessions of their own."""
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    found: list[int] = []
    frontier = [pid]
    while frontier:
        frontier = [child for child, parent in parents if parent in frontier]
        found += frontier
    return found
