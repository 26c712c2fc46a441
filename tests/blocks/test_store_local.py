"""Storage on this machine's disk under processes that race and die, and storages that lie or break."""

import itertools
import os
import signal
import subprocess
import sys
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from blocks.clients.store import StorageFailed, Store

RACER = """
import sys
from blocks.clients.store import Store

store, me = Store(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(50):
    try:
        store.create_once(f"record-{number}", me.encode() * 100_000)
    except FileExistsError:
        continue
    print(number, flush=True)
"""

#: The kernel ends the process at its hundred-thousandth byte, as suddenly as a kill -9 would.
DYING = """
import resource, signal, sys
from pathlib import Path
from blocks.clients.store import Store

signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = Store(sys.argv[1])
if sys.argv[2] == "publish":
    store.publish("file", Path(sys.argv[3]))
else:
    store.create_once("file", Path(sys.argv[3]).read_bytes())
"""

#: Says what is told to the disk, and when the record gets its name.
TOLD = """
import os, sys
from blocks.clients.store import Store

really = os.fsync

def fsync(descriptor):
    print(os.readlink(f"/proc/self/fd/{descriptor}"))
    really(descriptor)

os.fsync = fsync
sys.addaudithook(lambda event, arguments: event == "os.link" and print("named"))
store = Store(sys.argv[1])
store.create_once("made/now/record", b"record")
store.create_once("made/now/another", b"record")
"""


def python(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


def test_four_racing_processes_create_each_record_once(tmp_path):
    racers = [python(RACER, tmp_path, me) for me in range(4)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    wins = [[int(line) for line in racer.communicate()[0].split()] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4
    assert sorted(itertools.chain(*wins)) == list(range(50))
    store = Store(str(tmp_path))
    for me, won in enumerate(wins):
        assert all(store.read(f"record-{number}") == str(me).encode() * 100_000 for number in won)


@pytest.mark.parametrize("put", ["publish", "create_once"])
def test_a_process_that_dies_in_the_middle_leaves_nothing_under_the_name(tmp_path, put):
    source, folder = tmp_path / "source", tmp_path / "store"
    source.write_bytes(bytes(1_000_000))
    process = python(DYING, folder, put, source)
    process.communicate()
    assert process.returncode == -signal.SIGXFSZ
    (rest,) = folder.iterdir()
    assert rest.stat().st_size == 100_000  # it was in the middle
    store = Store(str(folder))
    with pytest.raises(FileNotFoundError):
        store.read("file")
    store.create_once("file", b"the next one")
    assert store.read("file") == b"the next one"


def test_a_folder_made_for_a_record_is_on_disk_before_the_record_has_its_name(tmp_path):
    said, _ = python(TOLD, tmp_path).communicate()
    told = ["record" if line.endswith(".part") else line.replace(str(tmp_path), "root") for line in said.splitlines()]
    assert told == [
        *("root", "root/made", "record", "named", "root/made/now"),
        *("record", "named", "root/made/now"),
    ]


def test_records_keep_no_rests_beside_them(tmp_path):
    store = Store(str(tmp_path))
    store.create_once("record", b"x")
    store.write("file", b"y")
    with pytest.raises(FileExistsError):
        store.create_once("record", b"z")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "record"]


def test_a_name_as_long_as_the_disk_takes_is_kept(tmp_path):
    store, name = Store(str(tmp_path)), "剪" * 83 + ".mp4"
    assert len(name.encode()) == 253
    store.write(name, b"x")
    store.create_once(f"folder/{name}", b"y")
    assert store.names("") == [f"folder/{name}", name]


@pytest.mark.parametrize("look", ["read", "info", "sha256", "open_range"])
def test_a_path_through_a_file_is_no_absence(tmp_path, look):
    (tmp_path / "job").write_text("a file where a folder should be")
    with pytest.raises(StorageFailed):
        getattr(Store(str(tmp_path)), look)("job/record")


@pytest.mark.parametrize("look", ["read", "info", "sha256", "open_range"])
def test_links_in_a_circle_are_no_absence(tmp_path, look):
    (tmp_path / "record").symlink_to(tmp_path / "record")
    with pytest.raises(StorageFailed):
        getattr(Store(str(tmp_path)), look)("record")


@pytest.mark.parametrize("put", ["create_once", "write"])
def test_what_cannot_be_written_fails_and_says_where(tmp_path, put):
    (tmp_path / "job").write_text("a file where a folder should be")
    with pytest.raises(StorageFailed, match="job/record"):
        getattr(Store(str(tmp_path)), put)("job/record", b"x")


def test_what_cannot_be_listed_is_not_empty(tmp_path):
    store = Store(str(tmp_path))
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed, match="cannot list"):
        store.names("file/inner/")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(StorageFailed, match="cannot list"):
        store.names("circle/")


@pytest.mark.parametrize("url", ["~/results", "results", "./results"])
def test_a_path_is_made_absolute_once(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    store = Store(url)
    monkeypatch.chdir("/")
    assert store.write("file", b"x") == str(tmp_path / "results" / "file")
    assert store.local_root == tmp_path / "results"


def test_a_file_url_is_the_same_folder_as_its_path(tmp_path):
    Store(f"file://{tmp_path}/results").write("file", b"x")
    assert Store(str(tmp_path / "results")).read("file") == b"x"


class Broken(MemoryFileSystem):
    """A storage whose server stopped answering in the middle: only its first level can still be listed."""

    protocol = "broken"
    cachable = False
    refuse: type[Exception] = PermissionError

    def _refuse(self, path: str, *_: Any, **__: Any) -> Any:
        raise self.refuse(f"no answer for {path}")

    cat_file = info = _open = put_file = pipe_file = _refuse

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        if "inner" in path:
            self._refuse(path)
        return [{"name": f"{path}/inner", "type": "directory", "size": 0}]


@pytest.fixture(params=[PermissionError, OSError, TimeoutError, RuntimeError])
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    fsspec.register_implementation("broken", Broken, clobber=True)
    monkeypatch.setattr(Broken, "refuse", request.param)
    return Store("broken://store")


@pytest.mark.parametrize("look", ["read", "info", "sha256", "open_range", "names"])
def test_a_storage_that_does_not_answer_says_nothing_about_absence(broken, look):
    with pytest.raises(StorageFailed, match="broken://store"):
        getattr(broken, look)("inner/record")


def test_a_storage_that_does_not_answer_halfway_is_not_listed_in_part(broken):
    with pytest.raises(StorageFailed, match="cannot list"):
        broken.names("")


def test_a_storage_that_does_not_answer_stores_nothing(broken, tmp_path):
    (tmp_path / "source").write_bytes(b"x")
    with pytest.raises(StorageFailed, match="cannot create"):
        broken.create_once("record", b"x")
    with pytest.raises(StorageFailed, match="cannot write"):
        broken.publish("video.mp4", tmp_path / "source")
    with pytest.raises(StorageFailed, match="cannot read"):
        Store(str(tmp_path)).copy_from(broken, "clip", "copy")


def test_money_never_depends_on_a_storage_whose_exclusion_is_unknown(broken):
    with pytest.raises(StorageFailed, match=r"not known to be real on broken.*RECUT_JOURNAL"):
        broken.prove_exclusive()


def test_a_storage_nobody_knows_is_refused_by_name():
    with pytest.raises(StorageFailed, match="carrier-pigeon"):
        Store("carrier-pigeon://loft")


def test_secrets_are_shown_nowhere(tmp_path):
    store = Store(str(tmp_path), {"key": "the-id", "secret": "the-secret"})
    with pytest.raises(StorageFailed) as caught:
        store.read("")
    assert "the-secret" not in repr(store) + str(caught.value)
    assert os.fspath(tmp_path) in repr(store)
