"""What every storage must keep to, whatever is behind it; money and results depend on each sentence here."""

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from blocks.clients.store import StorageFailed, Store, open_anywhere
from tests.racing import race

BIG = bytes(range(256)) * 64 * 1024  # 16 MiB
_numbers = itertools.count()


@pytest.fixture
def on_disk(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.fixture
def in_memory() -> Iterator[Store]:
    yield Store(f"memory://store-{next(_numbers)}")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture
def on_s3(bucket: str) -> Store:
    return Store(bucket)


#: Every kind of storage that shall keep the contract, by a fixture that gives an empty folder.
EXCLUSIVE = {"local": "on_disk", "memory": "in_memory", "s3": "on_s3"}
BACKENDS = {**EXCLUSIVE, "swift": "on_swift"}


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    return request.getfixturevalue(request.param)


@pytest.fixture(params=EXCLUSIVE.values(), ids=EXCLUSIVE)
def exclusive(request: pytest.FixtureRequest) -> Store:
    """A storage that creates exclusively; on others nothing is created so."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], Path]:
    """Makes a local file with a content, outside of any store."""

    def make(content: bytes) -> Path:
        path = tmp_path_factory.mktemp("source") / "file"
        path.write_bytes(content)
        return path

    return make


def test_what_was_created_is_read_back(exclusive):
    exclusive.create_once("job/001-intent.json", b"first")
    assert exclusive.read("job/001-intent.json") == b"first"


def test_only_the_first_create_counts(exclusive):
    exclusive.create_once("record", b"first")
    with pytest.raises(FileExistsError):
        exclusive.create_once("record", b"second")
    assert exclusive.read("record") == b"first"


def test_an_empty_record_is_taken_too(exclusive):
    exclusive.create_once("record", b"")
    with pytest.raises(FileExistsError):
        exclusive.create_once("record", b"second")
    assert exclusive.read("record") == b""


@pytest.mark.usefixtures("eager_threads")
def test_sixteen_racing_threads_create_each_record_once(exclusive):
    for name, contents in race(exclusive, 20).items():
        assert contents == [exclusive.read(name)]


def never_shows_a_part(store: Store, put: Callable[[], object]) -> None:
    done = threading.Event()
    sizes = set()

    def look() -> None:
        while not done.is_set():
            try:
                sizes.add(len(store.read("file")))
            except FileNotFoundError:
                sizes.add(-1)

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        put()
        done.set()
        looking.result()
    assert sizes <= {-1, len(BIG)}
    assert store.read("file") == BIG


@pytest.mark.usefixtures("eager_threads")
def test_a_reader_never_sees_a_part_of_a_record(exclusive):
    never_shows_a_part(exclusive, lambda: exclusive.create_once("file", BIG))


@pytest.mark.usefixtures("eager_threads")
def test_a_reader_never_sees_a_part_of_a_file_that_is_published(store, source):
    file = source(BIG)
    never_shows_a_part(store, lambda: store.publish("file", file))


@pytest.mark.usefixtures("eager_threads")
def test_a_reader_never_sees_a_part_of_a_file_that_is_written(store):
    never_shows_a_part(store, lambda: store.write("file", BIG))


@pytest.mark.usefixtures("eager_threads")
def test_a_file_is_replaced_in_one_step(store, source):
    old, new = b"a" * 4_000_000, b"b" * 4_000_001
    store.write("file", old)
    file, done, seen = source(new), threading.Event(), set()

    def look() -> None:
        while not done.is_set():
            with suppress(StorageFailed):  # an object storage tells a reader that the file was replaced meanwhile
                seen.add(store.sha256("file"))

    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(look), pool.submit(look)]
        store.publish("file", file)
        done.set()
        for looking in looks:
            looking.result()
    assert seen <= {hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest()}


def test_publishing_gives_the_address_and_leaves_the_source(store, source):
    file = source(b"the video")
    address = store.publish("folder/video.mp4", file)
    assert file.read_bytes() == b"the video"
    assert address == store.address("folder/video.mp4")
    place, name = open_anywhere(address, (store,))
    assert place.read(name) == b"the video"
    assert store.names("") == ["folder/video.mp4"]


def test_publishing_what_is_not_there_is_a_failure_and_nothing_stands_under_the_name(store, tmp_path):
    with pytest.raises(StorageFailed, match="cannot write"):
        store.publish("video.mp4", tmp_path / "no such file")
    assert store.names("") == []


@pytest.mark.parametrize("look", ["read", "info", "sha256", "open_range"])
def test_a_file_that_is_not_there_is_absent_and_nothing_else(store, look):
    with pytest.raises(FileNotFoundError):
        getattr(store, look)("no/such/file")
    store.write("some/file", b"x")
    with pytest.raises(FileNotFoundError):
        getattr(store, look)("some/other")


@pytest.mark.parametrize("look", ["read", "sha256"])
def test_a_folder_in_the_place_of_a_record_is_not_taken_for_absent(tmp_path, look):
    store = Store(str(tmp_path))
    store.write("record/inner", b"x")
    with pytest.raises(StorageFailed):
        getattr(store, look)("record")


def test_names_are_all_files_below_a_prefix_in_order(store):
    for name in ("b/2.json", "b/1.json", "a.json", "b/c/3.json"):
        store.write(name, b"x")
    assert store.names("") == ["a.json", "b/1.json", "b/2.json", "b/c/3.json"]
    assert store.names("b/") == ["b/1.json", "b/2.json", "b/c/3.json"]
    assert store.names("b") == store.names("b/")
    assert store.names("nothing/") == []


@pytest.mark.parametrize("name", ["with space.json", "ünïcode-剪辑.json", "100%25.json", "a#b?c=d.json", "[x]*.json"])
def test_any_name_a_clip_may_have_is_kept(store, name):
    store.write(name, b"x")
    assert store.names("") == [name]
    assert store.read(name) == b"x"
    place, inner = open_anywhere(store.address(name), (store,))
    assert place.read(inner) == b"x"


def test_a_folder_of_a_store_is_a_store_of_its_own(store):
    below = store.below("inner/deep")
    below.write("record", b"x")
    assert store.names("") == ["inner/deep/record"]
    assert below.names("") == ["record"]
    assert store.read("inner/deep/record") == b"x"
    assert below.address("record") == store.address("inner/deep/record")


def test_info_tells_the_size_and_sha256_the_content(store):
    store.write("file", BIG)
    assert store.info("file")["size"] == len(BIG)
    assert store.sha256("file") == hashlib.sha256(BIG).hexdigest()


def test_two_readers_of_one_file_do_not_disturb_each_other(store):
    store.write("file", b"0123456789")
    with store.open_range("file") as first:
        assert first.read(4) == b"0123"
        with store.open_range("file") as second:
            assert second.read(2) == b"01"
        assert first.read(4) == b"4567"
        first.seek(8)
        assert first.read() == b"89"


@pytest.mark.parametrize("other", BACKENDS.values(), ids=BACKENDS)
def test_a_file_is_copied_from_any_store_to_any(request, store, other):
    source = request.getfixturevalue(other).below("source")
    source.write("clip.mp4", BIG)
    address = store.copy_from(source, "clip.mp4", "staged/clip.mp4")
    assert address == store.address("staged/clip.mp4")
    assert store.sha256("staged/clip.mp4") == source.sha256("clip.mp4")
    with pytest.raises(FileNotFoundError):
        store.copy_from(source, "nothing.mp4", "staged/nothing.mp4")
    assert store.names("staged/") == ["staged/clip.mp4"]


@pytest.mark.parametrize("service", ["on_s3", "on_swift"])
def test_where_content_has_a_tag_identity_changes_with_it_and_only_then(request, service):
    store = request.getfixturevalue(service)
    store.write("clip.mp4", b"one")
    before = store.identity("clip.mp4")
    store.write("clip.mp4", b"one")
    assert store.identity("clip.mp4") == before
    store.write("clip.mp4", b"two")
    assert store.identity("clip.mp4") != before


def test_exclusive_creation_is_proven_and_leaves_nothing_behind(exclusive):
    exclusive.prove_exclusive()
    assert exclusive.names("") == []
