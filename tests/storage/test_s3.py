"""S3 as it really answers: lost answers, refusals, parts, signatures; and clones that only look like it."""

import itertools
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from blocks.clients.backends.multipart import PART_BYTES
from blocks.clients.backends.s3 import FORBID_OVERWRITE, IF_NONE_MATCH, s3_options
from blocks.clients.store import NotExclusive, StorageFailed, Store
from blocks.storage import VideoStorage
from tests.racing import race
from tests.s3 import KEY, SECRET, Manner, S3Server

LOOKS = ["read", "info", "sha256", "open_range", "names", "identity"]
_buckets = itertools.count()


@pytest.fixture
def store(bucket: str) -> Store:
    return Store(f"{bucket}/edited")


@pytest.fixture
def clone(request: pytest.FixtureRequest) -> Iterator[tuple[S3Server, Store]]:
    with S3Server(request.param) as server:
        name = f"clone-{next(_buckets)}"
        server.make_bucket(name)
        yield server, Store(f"s3://{name}/journal", server.options)


def as_clone(manner: Manner) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("clone", [manner], indirect=True)


@as_clone("ignores")
def test_a_clone_that_ignores_the_condition_is_found_out(clone):
    with pytest.raises(NotExclusive, match=r"accepted twice.*RECUT_JOURNAL"):
        clone[1].prove_exclusive()


@as_clone("refuses")
def test_a_clone_that_refuses_the_condition_is_found_out(clone):
    store = clone[1]
    with pytest.raises(NotExclusive, match="accepted twice in spite of x-oss-forbid-overwrite"):
        store.prove_exclusive()
    assert store.names("") == []


@as_clone("oss")
def test_a_storage_like_oss_creates_exclusively_by_its_own_header(clone):
    server, store = clone
    store.prove_exclusive()
    assert store.manner == FORBID_OVERWRITE
    below = store.below("job")
    below.create_once("record", b"first")
    with pytest.raises(FileExistsError):
        below.create_once("record", b"second")
    assert below.read("record") == b"first"
    (first, _) = server.puts("job/record")
    assert first.headers[FORBID_OVERWRITE] == "true"
    assert "if-none-match" not in first.headers


@as_clone("oss")
def test_sixteen_threads_create_each_record_once_by_the_header_of_oss(clone):
    store = clone[1]
    store.prove_exclusive()
    for name, contents in race(store, 5).items():
        assert contents == [store.read(name)]


def test_oss_by_its_address_is_asked_in_its_own_words_from_the_start(monkeypatch):
    endpoint = "https://s3.oss-cn-hangzhou.aliyuncs.com"
    assert Store("s3://videos/x", {"endpoint_url": endpoint}).manner == FORBID_OVERWRITE
    assert s3_options({"endpoint_url": endpoint})["config_kwargs"]["s3"] == {"addressing_style": "virtual"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert Store("s3://videos/x").manner == FORBID_OVERWRITE
    signed = Store("s3://videos/x", {"key": KEY, "secret": SECRET}).sign("a.mp4", 60)
    assert urlsplit(signed).netloc == "videos.s3.oss-cn-hangzhou.aliyuncs.com"


def test_a_create_whose_answer_is_lost_is_still_ours(store, s3):
    s3.fail("lost answer", method="PUT", path="record")
    store.create_once("record", b"ours")
    assert store.read("record") == b"ours"
    assert len(s3.puts("record")) == 2
    with pytest.raises(FileExistsError):
        store.create_once("record", b"ours")


def test_a_create_whose_every_answer_is_lost_is_still_ours(store, s3):
    s3.fail("lost answer", times=40, method="PUT", path="record")
    store.create_once("record", b"ours")
    s3.forgive()
    assert store.read("record") == b"ours"


def test_a_create_that_cannot_be_told_is_neither_done_nor_taken(store, s3):
    s3.fail("denied", times=40, path="record")
    with pytest.raises(StorageFailed, match="cannot create"):
        store.create_once("record", b"ours")
    s3.forgive()


@pytest.mark.parametrize("fault", ["slow down", "reset"])
def test_a_storage_that_stumbles_is_asked_again(store, s3, fault):
    s3.fail(fault, method="PUT")
    store.create_once("record", b"x")
    s3.fail(fault, method="GET")
    assert store.read("record") == b"x"
    s3.fail(fault, method="GET")
    assert store.names("") == ["record"]
    assert store.manner == IF_NONE_MATCH


@pytest.mark.parametrize("look", LOOKS)
def test_what_may_not_be_seen_is_not_absent(store, s3, look):
    s3.fail("denied", times=40)
    with pytest.raises(StorageFailed, match=r"AccessDenied|Forbidden"):
        getattr(store, look)("record")
    s3.forgive()


@pytest.mark.parametrize("look", LOOKS)
def test_a_bucket_that_is_not_there_is_no_absence(s3, look):
    with pytest.raises(StorageFailed, match="no such bucket"):
        getattr(Store("s3://nobody-made-this/x"), look)("record")


def test_a_large_file_goes_up_in_parts_and_says_what_it_is(store, s3, tmp_path):
    source = tmp_path / "result.mp4"
    source.write_bytes(bytes(range(256)) * (3 * PART_BYTES // 256) + b"end")
    store.publish("a.mp4", source, {"recut-job-key": "k1", "recut-provider-task": "aufgabe-ü\n1"})
    assert store.size("a.mp4") == source.stat().st_size
    assert len([put for put in s3.puts("a.mp4") if "partNumber" in put.query]) == 4
    (begun,) = [seen for seen in s3.seen if seen.method == "POST" and "uploads" in seen.query]
    assert begun.headers["content-type"] == "video/mp4"
    assert begun.headers["x-amz-meta-recut-job-key"] == "k1"
    assert begun.headers["x-amz-meta-recut-provider-task"] == "aufgabe-%C3%BC%0A1"


@pytest.mark.parametrize("name", ["a.mp4", "a.json", "a.jpg", "gallery.html"])
def test_every_result_has_the_content_type_that_browsers_need(store, s3, name):
    types = {"mp4": "video/mp4", "json": "application/json", "jpg": "image/jpeg", "html": "text/html"}
    store.write(name, b"x")
    assert store.info(name)["ContentType"] == types[name.rpartition(".")[2]]


def test_an_upload_that_breaks_in_the_middle_leaves_nothing_under_the_name(store, s3, tmp_path):
    source = tmp_path / "result.mp4"
    source.write_bytes(bytes(3 * PART_BYTES))
    store.write("a.mp4", b"the result before")
    s3.fail("denied", times=40, method="PUT", path="a.mp4")
    with pytest.raises(StorageFailed, match="cannot write"):
        store.publish("a.mp4", source)
    s3.forgive()
    assert store.read("a.mp4") == b"the result before"
    assert any(seen.method == "DELETE" and "uploadId" in seen.query for seen in s3.seen)


def test_a_copy_within_the_service_passes_nothing_through_this_machine(store, s3, bucket):
    source = Store(f"{bucket}/inbox")
    source.write("clip.mp4", bytes(1_000_000))
    s3.seen.clear()
    store.copy_from(source, "clip.mp4", "staged.mp4")
    assert store.size("staged.mp4") == 1_000_000
    assert s3.sent_bytes("clip.mp4") == 0
    assert store.info("staged.mp4")["ContentType"] == "video/mp4"


def test_a_signed_address_answers_without_credentials_and_is_shown_nowhere(store):
    store.write("a.mp4", b"the video")
    url = store.sign("a.mp4", 60)
    assert urllib.request.urlopen(url).read() == b"the video"
    assert "X-Amz-Expires=60" in url
    assert SECRET not in url + repr(store)


def test_a_signature_lasts_no_longer_than_the_service_allows(store):
    assert "X-Amz-Expires=604800" in store.sign("a.mp4", 10**9)


def test_a_storage_without_a_key_signs_nothing(bucket, s3):
    with pytest.raises(StorageFailed, match="cannot sign"):
        Store(bucket, {"anon": True}).sign("a.mp4", 60)


def test_a_saved_storage_reaches_a_service_of_its_own(s3, bucket, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    saved = VideoStorage(url=f"{bucket}/x", endpoint_url=s3.url, access_key_id=KEY, secret_access_key=SECRET)
    store = saved.get_store()
    store.write("a.mp4", b"x")
    assert store.names("") == ["a.mp4"]


@pytest.mark.parametrize(("scheme", "extra"), [("gs", "gcs"), ("az", "azure"), ("abfs", "azure")])
def test_a_storage_whose_package_is_missing_says_how_to_install_it(scheme, extra):
    with pytest.raises(StorageFailed, match=rf"pip install 'recut\[{extra}\]'"):
        Store(f"{scheme}://bucket/x")
