"""One Prefect server for all commands of a test session, as people have; the rest is each test's own."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.emulator import Emulator
from deployments.local.home import Home
from tests.cli.recut import Recut, basic_environment
from tests.cli.shelf import Shelf, open_shelf
from tests.conftest import CLOCK_SCALE, KEY

At = Callable[[Path], Recut]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RECUT_HOME of all commands."""
    return tmp_path_factory.mktemp("home") / ".recut"


@pytest.fixture(scope="session")
def prefect_ui(home: Path) -> Iterator[str]:
    """Keeps the local Prefect server up with `recut ui`; gives what that prints first."""
    environment = {**basic_environment(home.parent), "RECUT_HOME": str(home), "RECUT_SERVER_IDLE_SECONDS": "1"}
    running = Recut(home.parent, environment).start("ui", PYTHONUNBUFFERED="1")
    assert running.process.stdout is not None
    yield running.process.stdout.readline()
    running.send(signal.SIGINT)
    assert running.done().code == 130
    with Home(home / "prefect").server_lock() as lock:
        lock.share()  # once the server has gone


@pytest.fixture(scope="session")
def at(home: Path, prefect_ui: str, _running_emulator: Emulator) -> At:
    """Returns the command in a folder, for a team that uses both providers, which the emulator plays."""

    def recut(folder: Path) -> Recut:
        environment = {
            **basic_environment(home.parent),
            "RECUT_HOME": str(home),
            "RECUT_SERVER_IDLE_SECONDS": "1",
            "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": _running_emulator.dashscope_base_url,
            "APIYI_API_KEY": KEY,
            "APIYI_BASE_URL": _running_emulator.apiyi_base_url,
        }
        return Recut(folder, environment)

    return recut


@pytest.fixture
def recut(at: At, emulator: Emulator, tmp_path: Path) -> Iterator[Recut]:
    """The command in a new folder, with a provider without a past."""
    recut = at(tmp_path)
    yield recut
    recut.end()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with open_shelf(tmp_path_factory.mktemp("shelf")) as shelf:
        yield shelf
