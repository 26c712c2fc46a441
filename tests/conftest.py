"""What all tests share: an environment of their own, a provider, media on the web, and a Prefect server."""

import atexit
import functools
import itertools
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from blocks.clients.store import Store
    from tests.s3 import S3Server
    from tests.swift import SwiftServer

_TEAMS_OWN = ("RECUT_", "DASHSCOPE_", "APIYI_")
# Started in a shell's background, this process and all it starts would ignore Ctrl-C, which tests send to commands.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

_HOME = Path(tempfile.mkdtemp(prefix="recut-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

# Prefect fixes its settings when it is imported: this stands before any test can import it.
for _name in [name for name in os.environ if name.startswith("PREFECT_")]:
    del os.environ[_name]
os.environ |= {
    "PREFECT_HOME": str(_HOME / "prefect"),
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, RunTime  # noqa: E402
from tests.clips import make_clip, make_image  # noqa: E402
from tests.recorder import Recorder  # noqa: E402

#: Provider seconds in one real second, and how long the emulator's provider tasks run in provider seconds.
CLOCK_SCALE = 60
RUN_SECONDS = 20
KEY = "sk-of-the-tests"
_buckets = itertools.count()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test has a home of its own, and no provider but those it names."""
    for name in [name for name in os.environ if name.startswith(_TEAMS_OWN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RECUT_HOME", str(tmp_path / ".recut"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def _running_emulator() -> Iterator[Emulator]:
    run_times = {model: RunTime(median=RUN_SECONDS) for model in (WAN, HAPPYHORSE)}
    with Emulator(EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=run_times)) as emulator:
        yield emulator


@pytest.fixture
def emulator(_running_emulator: Emulator) -> Emulator:
    """A provider without a past, whose hours pass in seconds."""
    _running_emulator.reset()
    return _running_emulator


@pytest.fixture
def providers(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulator:
    """The environment of a team that uses both providers, which the emulator plays, and results on this disk."""
    usual = {"run_times.median_seconds": RUN_SECONDS, "run_times.p95_seconds": RUN_SECONDS}
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(json.dumps([{"set": usual}]))
    for name, value in {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": emulator.dashscope_base_url,
        "APIYI_API_KEY": KEY,
        "APIYI_BASE_URL": emulator.apiyi_base_url,
        "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
        "RECUT_RESULTS": str(tmp_path / "results"),
        "RECUT_CATALOG": str(catalog),
    }.items():
        monkeypatch.setenv(name, value)
    return emulator


class Media:
    """A clip and a picture that both providers accept, on disk and on the web."""

    def __init__(self, folder: Path, url: str) -> None:
        self.clip, self.picture = folder / "clip.mp4", folder / "picture.png"
        self.clip_url, self.picture_url = f"{url}/clip.mp4", f"{url}/picture.png"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Media]:
    folder = tmp_path_factory.mktemp("media")
    make_clip(folder / "clip.mp4")
    make_image(folder / "picture.png")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Media(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A web server that keeps what it is asked and answers as told."""
    with Recorder() as server:
        yield server


@pytest.fixture(scope="session")
def _running_s3() -> "Iterator[S3Server]":
    from tests.s3 import S3Server  # takes half a second

    with S3Server() as server:
        yield server


@pytest.fixture
def s3(_running_s3: "S3Server", monkeypatch: pytest.MonkeyPatch) -> "S3Server":
    """An S3 server that the environment names, as AWS would be."""
    for name, value in _running_s3.environment().items():
        monkeypatch.setenv(name, value)
    _running_s3.seen.clear()
    return _running_s3


@pytest.fixture
def bucket(s3: "S3Server") -> str:
    """The URL of a new bucket on it."""
    name = f"bucket-{next(_buckets)}"
    s3.make_bucket(name)
    return f"s3://{name}"


@pytest.fixture(scope="session")
def swift() -> "Iterator[SwiftServer]":
    """An S3 server of another make, for tests that name it: no environment does."""
    from tests.swift import SwiftServer

    with SwiftServer() as server:
        yield server


@pytest.fixture
def on_swift(swift: "SwiftServer") -> "Store":
    """A folder in a new bucket there."""
    from blocks.clients.store import Store

    name = f"bucket-{next(_buckets)}"
    swift.make_bucket(name)
    return Store(f"s3://{name}/folder", swift.options)


@pytest.fixture(scope="session")
def prefect() -> Iterator[str]:
    """A Prefect server of this test process; gives the address of its API."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield str(PREFECT_API_URL.value())
