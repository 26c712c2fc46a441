"""The local Prefect server, with real commands as processes, real kills and a real database."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

COMMAND = """
import asyncio, sys
from deployments.local import prefect_server

with prefect_server() as server:
    from prefect import flow, task

    @task
    async def step(number):
        return number

    @flow
    async def steps(count):
        await asyncio.gather(*(step(number) for number in range(count)))

    asyncio.run(steps(int(sys.argv[1])))
    with open(sys.argv[2], "w") as answer:
        answer.write(server.url)
"""

STAYING = """
import sys
from deployments.local import prefect_server

with prefect_server() as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


class Person:
    """Someone with a home folder, who runs commands."""

    def __init__(self, folder: Path, idle_seconds: float = 300):
        self.folder = folder
        self.prefect_home = folder / "recut" / "prefect"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RECUT_"))
        } | {
            "HOME": str(folder),
            "RECUT_HOME": str(folder / "recut"),
            "RECUT_SERVER_IDLE_SECONDS": str(idle_seconds),
        }

    def start(self, task_runs: int = 1, **settings: str) -> "Command":
        return Command(self, task_runs, settings)

    def stay(self) -> tuple[subprocess.Popen[str], str]:
        process = self.python(STAYING, stdin=subprocess.PIPE)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def python(self, *arguments: str, stdin: int = subprocess.DEVNULL, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", *arguments],
            cwd=self.folder,
            env=self.environment | settings,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def server_pid(self) -> int:
        return int(json.loads((self.prefect_home / "recut-server.json").read_text())["pid"])

    def await_server_gone(self) -> None:
        with (self.prefect_home / "recut-server.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def kill_server(self) -> None:
        os.kill(self.server_pid, signal.SIGKILL)
        self.await_server_gone()


class Command:
    """A command that runs a small flow."""

    def __init__(self, person: Person, task_runs: int, settings: dict[str, str]):
        self._answer = person.folder / f"answer-{time.monotonic_ns()}"
        self._process = person.python(COMMAND, str(task_runs), str(self._answer), **settings)

    def url(self) -> str:
        """The server it has used, after it has ended well and said nothing."""
        said, _ = self._process.communicate()
        assert (self._process.returncode, said) == (0, "")
        return self._answer.read_text()


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A person whose very first four commands were started at once, and where these found their server."""
    person = Person(tmp_path_factory.mktemp("first"))
    commands = [person.start(task_runs=50) for _ in range(4)]
    yield person, [command.url() for command in commands]
    person.kill_server()


@pytest.fixture
def again(first, tmp_path):
    """A person who has used recut before: the database is there, no server runs."""
    earlier, _ = first
    person = Person(tmp_path, idle_seconds=1)
    person.prefect_home.mkdir(parents=True)
    for file in earlier.prefect_home.glob("prefect.db*"):
        shutil.copy(file, person.prefect_home)
    return person


def test_four_first_commands_at_once_share_one_server_and_are_quiet(first):
    _, urls = first
    assert len(set(urls)) == 1


def test_task_runs_are_recorded_completed_after_the_commands_have_gone(first):
    _, (url, *_) = first
    while count(url, "task_runs", "COMPLETED") < 4 * 50:
        time.sleep(0.1)
    assert count(url, "flow_runs", "COMPLETED") == 4


def test_the_logs_of_a_run_can_be_read_afterwards(first):
    _, (url, *_) = first
    lines = ask(f"{url}/logs/filter", {"limit": 200})
    assert any("Finished in state Completed()" in line["message"] for line in lines)


def test_the_ui_is_served_and_knows_where_its_api_is(first):
    _, (url, *_) = first
    ui_url = url.removesuffix("/api")
    assert ask(f"{ui_url}/ui-settings")["api_url"] == url
    page = urllib.request.urlopen(urllib.request.Request(ui_url, headers={"Accept": "text/html"}))
    assert "<title>Prefect" in page.read().decode()
    assert page.headers["content-security-policy"] == "connect-src 'self'"


def test_a_page_from_elsewhere_learns_nothing(first):
    _, (url, *_) = first
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(f"{url}/health", headers={"Host": "elsewhere.example"})
    foreign = urllib.request.Request(f"{url}/health", headers={"Origin": "https://elsewhere.example"})
    assert urllib.request.urlopen(foreign).headers["access-control-allow-origin"] is None


def test_a_command_finds_the_server_past_a_configured_proxy(first):
    person, (url, *_) = first
    assert person.start(http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9").url() == url


def test_the_server_outlives_its_starter_and_stops_when_the_last_command_was_killed(again):
    starter, url = again.stay()
    follower, same_url = again.stay()
    starter.kill()
    starter.wait()
    assert again.start().url() == url == same_url
    follower.kill()
    follower.wait()
    again.await_server_gone()


def test_a_killed_server_is_replaced_though_its_port_is_taken(again):
    again.environment["RECUT_SERVER_IDLE_SECONDS"] = "300"
    url = again.start().url()
    again.kill_server()
    with take(urlsplit(url).port):
        new_url = again.start().url()
    assert new_url != url
    again.kill_server()


def test_a_server_that_was_killed_comes_back_to_its_port_for_the_commands_that_wait(again):
    waiting, url = again.stay()
    again.kill_server()
    assert again.start().url() == url
    waiting.communicate()
    again.await_server_gone()


def test_a_server_that_cannot_start_says_why_and_that_nothing_was_created(tmp_path):
    person = Person(tmp_path)
    said, _ = person.python(COMMAND, "1", "unused", RECUT_SERVER_IDLE_SECONDS="soon").communicate()
    assert "could not convert string to float: 'soon'. Nothing was created." in said


def take(port):
    while True:  # the kernel gives back a dead process's locks a moment before its port
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            time.sleep(0.01)


def ask(url, body=None, headers=None):
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"} | (headers or {}))
    if body is not None:
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def count(url, kind, state):
    return ask(f"{url}/{kind}/count", {kind: {"state": {"type": {"any_": [state]}}}})
