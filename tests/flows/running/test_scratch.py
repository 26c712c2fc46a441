import os
import tempfile
from pathlib import Path

import pytest

from flows.running.scratch import scratch_folder

OLD = 0


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def left_by_a_killed_run(folder: Path) -> Path:
    folder.mkdir()
    (folder / "result.mp4").write_bytes(b"half")
    (folder / ".lock").touch()
    os.utime(folder / ".lock", (OLD, OLD))
    return folder


def test_a_folder_is_gone_after_its_run():
    with scratch_folder() as folder:
        (folder / "result.mp4").write_bytes(b"half")
    assert not folder.exists()


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path):
    left = left_by_a_killed_run(tmp_path / "recut-killed")
    with scratch_folder():
        assert not left.exists()


def test_the_folder_of_a_run_that_lives_stays():
    with scratch_folder() as living:
        os.utime(living / ".lock", (OLD, OLD))
        with scratch_folder():
            assert living.exists()


def test_a_folder_that_is_just_being_made_stays(tmp_path: Path):
    young = left_by_a_killed_run(tmp_path / "recut-young")
    os.utime(young / ".lock")
    with scratch_folder():
        assert young.exists()
