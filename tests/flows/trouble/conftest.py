"""A desk at a provider that can be told to make trouble, with a Prefect server behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.emulator import Emulator
from tests.clips import make_clip, make_image
from tests.conftest import Media
from tests.flows.trouble.desk import Desk
from tests.recorder import Asked, Recorder, Reply, part_of


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Media]:
    """A short clip and a picture, on disk and on a web server that serves ranges."""
    folder = tmp_path_factory.mktemp("media")
    make_clip(folder / "clip.mp4")
    make_image(folder / "picture.png")

    def answer(asked: Asked) -> Reply:
        return part_of((folder / asked.path.rpartition("/")[2]).read_bytes(), asked, {"ETag": '"v1"'})

    with Recorder() as web:
        web.reply = answer
        yield Media(folder, web.url)


@pytest.fixture
def desk(prefect: str, providers: Emulator, media: Media, tmp_path: Path) -> Desk:
    return Desk(providers, media, tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts short the waits that mirror no provider time: how long a call may take, how long one is put off."""
    # Long enough for a busy machine: an answer that only came late would pass for a lost one.
    monkeypatch.setattr("blocks.clients.transport.CREATE_SECONDS", 2.0)
    monkeypatch.setattr("blocks.clients.transport.READ_SECONDS", 2.0)
    monkeypatch.setattr("flows.transfer.fetch.FIRST_WAIT_SECONDS", 0.01)
    for name in ("upload", "create", "poll", "persist"):
        monkeypatch.setattr(f"flows.stages.{name}.{name}.retry_delay_seconds", [0.01])
    monkeypatch.setattr("flows.rules.failures.LONGEST_ASKED_WAIT_SECONDS", 30.0)
