"""Room for results on a disk that really is small: a file system of its own, mounted for one process."""

import subprocess
import sys

import pytest

#: Mounts a small file system where only this process sees it, and says whether a run would begin there.
SMALL_DISK = """
import subprocess, sys
from blocks.clients.probe import check_room, check_usable
from blocks.clients.store import StorageFailed, Store

folder, size = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
results = Store(f"{folder}/results")
check_usable(results)
try:
    check_room(results)
except StorageFailed as error:
    print(error)
else:
    print("there is room")
try:
    results.write("clip.mp4", b"x" * 2_000_000)
except StorageFailed as error:
    print(error)
print(results.names(""))
"""


def on_a_disk_of(size: str, folder: object) -> list[str]:
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", SMALL_DISK, str(folder), size]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("size", ["1m", "470m"])
def test_a_disk_with_little_room_takes_no_new_results(tmp_path, size):
    said = on_a_disk_of(size, tmp_path)[0]
    assert said.startswith(f"{tmp_path}/results has only ")
    assert said.endswith(" MB left; make room before results come")


def test_a_disk_with_room_takes_them(tmp_path):
    assert on_a_disk_of("600m", tmp_path) == ["there is room", "['clip.mp4']"]


def test_a_disk_that_is_full_before_a_file_is_whole_keeps_nothing_of_it(tmp_path):
    _, refused, left = on_a_disk_of("1m", tmp_path)
    assert "No space left on device" in refused
    assert left == "[]"
