"""`recut demo`: everything offline, as often as one likes, also when it is killed."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from deployments.local.locks import Lock
from tests.cli.recut import Done, Recut, basic_environment

NAMES = ("claymation", "sunset", "pencil-square", "night", "cartoon")


class Demo:
    """The demo of one home, with its provider's books."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.recut = Recut(folder, {**basic_environment(folder), "RECUT_HOME": str(home)})
        self.folder = home / "demo"

    @property
    def provider(self) -> dict[str, Any]:
        return json.loads((self.folder / "provider.json").read_text())

    def ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.provider['url']}/_emulator/{what}") as answer:
            return json.load(answer)

    def end(self) -> None:
        """Stops the provider, which would wait some minutes for another demo."""
        os.kill(self.provider["pid"], signal.SIGTERM)
        with Lock(self.folder / "provider.lock") as lock:
            lock.share()


@pytest.fixture(scope="module")
def demo(home: Path, prefect_ui: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"), home)
    yield demo
    demo.recut.end()
    demo.end()


@pytest.fixture(scope="module")
def first(demo: Demo) -> Done:
    return demo.recut("demo")


def test_the_demo_edits_the_samples_by_both_models_at_both_providers(demo: Demo, first: Done) -> None:
    assert first.code == 0, first.said
    assert "5 of 5 published; 5 created in this run" in first.out
    assert "The provider's own books show 5 paid creates" in first.out
    assert str(demo.recut.results / "gallery.html") in first.out
    for name in NAMES:
        with av.open(demo.recut.results / f"{name}.mp4") as video:
            assert next(video.decode(video=0)).width > 0


def test_the_demo_says_nothing_but_what_happens(first: Done) -> None:
    lines = first.err.splitlines()
    assert lines[0] == "Starting a local provider and a local Prefect server; nothing leaves this machine."
    stages = ("waiting", "uploading", "creating", "pending", "running", "persisting", "done")
    assert {line.partition(": ")[0] for line in lines[1:]} == set(NAMES)
    assert {line.partition(": ")[2] for line in lines[1:]} <= set(stages)


def test_the_demo_again_creates_nothing(demo: Demo, first: Done) -> None:
    again = demo.recut("demo", "--json")
    assert (again.code, again.err) == (0, "")
    assert (again.json["succeeded"], again.json["created"]) == (5, 0)
    assert len(demo.ask("audit")) == 5


def test_a_demo_that_is_killed_is_finished_by_the_next_one(demo: Demo, first: Done) -> None:
    before = len(demo.ask("audit"))
    running = demo.recut.start("demo", "--results", "elsewhere")
    assert running.process.stderr is not None
    # A create that is cut off, and of which no list tells, would rightly be held: all have had their answers.
    unheard = set(NAMES)
    while unheard:
        line = running.process.stderr.readline()
        assert line, "it ended"
        name, _, stage = line.strip().partition(": ")
        unheard -= {name} if stage in ("pending", "running") else set()
    running.send(signal.SIGKILL)
    running.done()
    again = demo.recut("demo", "--results", "elsewhere", "--json")
    assert (again.code, again.json["succeeded"]) == (0, 5), again.said
    assert len(demo.ask("audit")) == before + 5
