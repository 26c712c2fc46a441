"""`make serve` on a machine without a key: what is dropped comes out edited, and nothing is left behind."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.deployments.standing import eventually, offspring

SAMPLE = Path(__file__).parents[2] / "deployments" / "samples" / "bigbuckbunny.mp4"
_TEAMS_OWN = ("RECUT_", "DASHSCOPE_", "APIYI_", "PREFECT_")


class Serving:
    """The supervisor, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(_TEAMS_OWN)} | {
            "RECUT_HOME": str(folder / ".recut"),
            "RECUT_SERVER_IDLE_SECONDS": "1",
            "RECUT_SETTLE_SECONDS": "1",
        }

    def start(self) -> None:
        """Starts it and waits until it says what to do."""
        with (self.folder / "said.txt").open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deployments.serve"], cwd=self.folder, env=self.environment, stdout=said
            )
        eventually(lambda: "Ctrl-C stops everything." in self.said() or self.process.poll(), "it says what to do")
        assert self.process.poll() is None, self.said()
        # The local provider outlives its last user by some minutes, as a real one would.
        self.children = [pid for pid in offspring(self.process.pid) if pid != self.provider_pid()]

    def provider_pid(self) -> int:
        return int(json.loads((self.folder / ".recut" / "demo" / "provider.json").read_text())["pid"])

    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    def drop(self, name: str) -> None:
        shutil.copy(SAMPLE, self.folder / "inbox" / f"{name}.mp4")
        (self.folder / "inbox" / f"{name}.txt").write_text("Turn the scene into claymation")

    def results(self) -> list[str]:
        return [path.name for path in (self.folder / "results").glob("*.mp4")]

    def await_all_gone(self) -> None:
        """Waits for the end of all it has started, and of the server, which goes when nobody needs it."""
        eventually(lambda: not any(map(_lives, self.children)), "its children end")
        with (self.folder / ".recut" / "prefect" / "recut-server.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(tmp_path)
    serving.start()
    yield serving
    serving.process.kill()
    serving.process.wait()
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(serving.provider_pid(), signal.SIGTERM)


@pytest.mark.timeout(600)
def test_a_drop_comes_out_edited_ctrl_c_ends_all_and_a_killed_one_leaves_nothing_that_works_on(serving):
    assert "nothing is paid" in serving.said()
    serving.drop("first")
    eventually(lambda: any(name.startswith("first") for name in serving.results()), "the first drop is edited")
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(60) == 0
    serving.await_all_gone()

    serving.start()
    serving.drop("second")
    # A watch that was cut off keeps others away until it is known to be silent, or its lease is over.
    second = lambda: any(name.startswith("second") for name in serving.results())  # noqa: E731
    eventually(second, "the second drop is edited", seconds=330)
    assert len(serving.results()) == 2
    serving.process.kill()
    serving.process.wait()
    serving.await_all_gone()


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
