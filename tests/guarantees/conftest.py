"""A provider whose hours pass in seconds, one Prefect server for all commands, and a team that uses both."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, RunTime
from deployments.local.home import Home
from tests.clips import make_clip, make_image
from tests.guarantees.command import Team
from tests.recorder import Asked, Recorder, Reply, part_of
from tests.s3 import S3Server

#: Provider seconds in one real second: a day of the provider then lasts twelve minutes, longer than any test.
CLOCK_SCALE = 120
RUN_TIMES = {WAN: RunTime(median=20), HAPPYHORSE: RunTime(median=20)}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """RECUT_HOME of all commands; the Prefect server that lives in it is ended with the tests."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    server = Home(folder / "prefect").read_state()
    if server is not None:
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip."""
    return make_clip(tmp_path_factory.mktemp("media") / "clip.mp4")


@pytest.fixture(scope="session")
def web(clip: Path) -> Iterator[str]:
    """Address of a web server with the clip and a picture, which serves ranges."""
    make_image(clip.with_name("picture.png"))

    def answer(asked: Asked) -> Reply:
        return part_of(clip.with_name(asked.path.removeprefix("/")).read_bytes(), asked, {"ETag": '"v1"'})

    with Recorder() as server:
        server.reply = answer
        yield server.url


@pytest.fixture(scope="module")
def provider() -> Iterator[Emulator]:
    config = EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=RUN_TIMES)
    with Emulator(config) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def s3(request: pytest.FixtureRequest) -> S3Server | None:
    """The server that results and journal are on; None for this disk. GUARANTEES_ON=s3 puts all that can be there."""
    is_on_s3 = os.environ.get("GUARANTEES_ON", "disk") == "s3"
    return request.getfixturevalue("_running_s3") if is_on_s3 else None


@pytest.fixture(scope="module")
def hire(home: Path, clip: Path, web: str, s3: S3Server | None) -> Callable[[Emulator, Path], Team]:
    """Makes a team of a provider and a folder."""
    return lambda emulator, folder: Team(emulator, folder, home, f"{web}/clip.mp4", clip, f"{web}/picture.png", s3=s3)


@pytest.fixture
def team(provider: Emulator, hire: Callable[[Emulator, Path], Team], tmp_path: Path) -> Team:
    """A team that has edited nothing yet, at a provider without a past."""
    provider.reset()
    return hire(provider, tmp_path)
