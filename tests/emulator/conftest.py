import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, RunTime
from tests.emulator.asking import RUN_SECONDS, Apiyi, DashScope

SAMPLES = Path(__file__).parents[2] / "deployments" / "samples"


class MediaServer:
    """Serves a folder of media by http, as a team's own storage would."""

    def __init__(self, folder: Path, url: str):
        self.folder = folder
        self.url = url

    @property
    def clip(self) -> str:
        return f"{self.url}/bigbuckbunny.mp4"

    @property
    def astronaut(self) -> str:
        return f"{self.url}/astronaut.png"

    @property
    def cat(self) -> str:
        return f"{self.url}/chelsea.png"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaServer]:
    folder = tmp_path_factory.mktemp("media")
    for sample in (*SAMPLES.glob("*.mp4"), *SAMPLES.glob("*.png")):
        (folder / sample.name).symlink_to(sample)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield MediaServer(folder, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def quick_config(**settings: object) -> EmulatorConfig:
    run_times = {model: RunTime(median=RUN_SECONDS) for model in (WAN, HAPPYHORSE)}
    return EmulatorConfig(**{"port": 0, "effort": "quick", "run_times": run_times, **settings})


@pytest.fixture(scope="session")
def _shared_emulator() -> Iterator[Emulator]:
    with Emulator(quick_config()) as emulator:
        yield emulator


@pytest.fixture
def emulator(_shared_emulator: Emulator) -> Emulator:
    """An emulator without a past. Its clock runs at real speed: tests move it forward by hand."""
    _shared_emulator.reset()
    return _shared_emulator


@pytest.fixture
def dashscope(emulator: Emulator) -> Iterator[DashScope]:
    with DashScope(emulator) as client:
        yield client


@pytest.fixture
def apiyi(emulator: Emulator) -> Iterator[Apiyi]:
    with Apiyi(emulator) as client:
        yield client
