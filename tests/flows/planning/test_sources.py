"""Opening clips and images wherever they are, knowing them by content, reading only what is asked for."""

import os
import uuid

import fsspec
import pytest

from flows.planning.sources import MediumUnavailable, disk_path, open_medium, place_of, unopened_identity
from tests.clips import make_image
from tests.recorder import Reply

MD5 = '"9a0364b9e99bb480dd25e1f0284c8555"'
CONTENT = bytes(range(256)) * 40


def identity(address: object) -> str:
    with open_medium(str(address)) as medium:
        return medium.identity


def refusal(address: object) -> MediumUnavailable:
    with pytest.raises(MediumUnavailable) as refused, open_medium(str(address)):
        pass
    assert refused.value.advice
    return refused.value


@pytest.fixture
def bucket():
    """A folder of an object store in memory."""
    folder = f"memory://sources-{uuid.uuid4().hex}"
    yield folder
    fsspec.filesystem("memory").rm(folder, recursive=True)


def put(address: str, content: bytes = CONTENT) -> str:
    with fsspec.open(address, "wb") as file:
        file.write(content)
    return address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("clip.mp4", "disk"),
        ("/clips/a:b.mp4", "disk"),
        ("~/clip.mp4", "disk"),
        ("file:///clips/clip.mp4", "disk"),
        ("http://host/clip.mp4", "web"),
        ("HTTPS://host/clip.mp4", "web"),
        ("s3://bucket/clip.mp4", "store"),
        ("gs://bucket/clip.mp4", "store"),
        ("abfs://box/clip.mp4", "store"),
        ("memory://box/clip.mp4", "store"),
    ],
)
def test_an_address_tells_its_place(address, place):
    assert place_of(address) == place


@pytest.mark.parametrize("address", ["ftp://host/clip.mp4", "oss://bucket/clip.mp4", "data://x"])
def test_other_schemes_are_refused_by_name(address):
    assert address.partition(":")[0] in refusal(address).reason


def test_a_file_is_opened_with_its_size_and_closed_afterwards(tmp_path):
    path = make_image(tmp_path / "hat.png")
    with open_medium(str(path)) as medium:
        assert (medium.place, medium.size_bytes) == ("disk", path.stat().st_size)
        assert medium.stream.read() == path.read_bytes()
    assert medium.stream.closed


def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path):
    one, other = tmp_path / "one.png", tmp_path / "folder" / "other.png"
    make_image(one)
    other.parent.mkdir()
    other.write_bytes(one.read_bytes())
    link = tmp_path / "link.png"
    link.symlink_to(one)
    assert identity(one) == identity(other) == identity(link) == identity(f"file://{one}")


def test_a_changed_file_is_another_one_even_of_the_same_size_and_time(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"before")
    before, times = identity(path), path.stat()
    replacement = tmp_path / "new"
    replacement.write_bytes(b"behind")
    os.utime(replacement, ns=(times.st_atime_ns, times.st_mtime_ns))
    replacement.replace(path)
    assert identity(path) != before


def test_relative_paths_start_here_and_a_tilde_at_home(tmp_path, monkeypatch):
    make_image(tmp_path / "hat.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert identity("hat.png") == identity("~/hat.png") == identity(tmp_path / "hat.png")


def test_a_tilde_that_names_nobody_is_part_of_the_file_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_image(tmp_path / "~draft-of-nobody.png")
    assert identity("~draft-of-nobody.png") == identity(tmp_path / "~draft-of-nobody.png")
    assert disk_path("~draft-of-nobody.png").name == "~draft-of-nobody.png"


def test_what_is_no_file_is_refused_with_the_reason(tmp_path):
    assert refusal(tmp_path).reason == f"{tmp_path} is a folder"
    assert "does not exist" in refusal(tmp_path / "missing.mp4").reason
    file = make_image(tmp_path / "hat.png")
    assert "cannot be opened" in refusal(file / "inside.mp4").reason


def test_a_file_on_the_web_is_read_only_where_asked(recorder):
    content = os.urandom(4_000_000)
    recorder.serve(content)
    with open_medium(f"{recorder.url}/clip.mp4") as medium:
        assert (medium.place, medium.size_bytes) == ("web", len(content))
        medium.stream.seek(3_000_000)
        assert medium.stream.read(1_000) == content[3_000_000:3_001_000]
    assert medium.stream.closed
    assert len(recorder.asked) == 2
    assert all("authorization" not in asked.headers for asked in recorder.asked)


def test_a_web_file_with_a_digest_is_the_same_behind_any_signature(recorder):
    recorder.serve(CONTENT, ETag=MD5)
    assert identity(f"{recorder.url}/clip.mp4?Signature=1") == identity(f"{recorder.url}/clip.mp4?Signature=2")
    assert identity(f"{recorder.url}/clip.mp4") != identity(f"{recorder.url}/other.mp4")


@pytest.mark.parametrize("tag", ['"5f3c-61"', f"W/{MD5}", ""])
def test_a_web_file_without_a_digest_is_known_by_its_whole_address(recorder, tag):
    recorder.serve(CONTENT, ETag=tag)
    assert identity(f"{recorder.url}/clip.mp4?id=1") != identity(f"{recorder.url}/clip.mp4?id=2")
    assert identity(f"{recorder.url}/clip.mp4?id=1") == identity(f"{recorder.url}/clip.mp4?id=1")


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (CONTENT, {"ETag": MD5.replace("9a", "8b")}),
        (CONTENT, {"ETag": '"two"'}),
        (CONTENT, {"Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT"}),
        (CONTENT + b"more", {"ETag": MD5}),
    ],
    ids=["another digest", "another tag", "another time", "another size"],
)
def test_a_changed_web_file_is_another_one(recorder, content, headers):
    address = f"{recorder.url}/clip.mp4"
    recorder.serve(CONTENT, ETag=MD5)
    before = identity(address)
    recorder.serve(content, **headers)
    assert identity(address) != before


def test_a_web_file_that_cannot_be_fetched_is_refused_without_showing_its_signature(recorder):
    recorder.reply = lambda _: Reply(status=403)
    refused = refusal(f"{recorder.url}/clip.mp4?Signature=secret")
    assert "403" in refused.reason
    assert "secret" not in str(refused)
    assert "--unprobed" in refused.advice


def test_an_unreachable_web_server_is_refused():
    with pytest.raises(MediumUnavailable, match="cannot be fetched"), open_medium("http://127.0.0.1:1/clip.mp4"):
        pass


def test_a_file_in_a_bucket_is_opened_in_place(bucket):
    with open_medium(put(f"{bucket}/clip.mp4")) as medium:
        assert (medium.place, medium.size_bytes) == ("store", len(CONTENT))
        medium.stream.seek(1_000)
        assert medium.stream.read(10) == CONTENT[1_000:1_010]


def test_a_file_in_a_bucket_is_known_by_address_version_and_size(bucket):
    address = put(f"{bucket}/clip.mp4")
    before = identity(address)
    assert identity(address) == before
    assert identity(put(f"{bucket}/other.mp4")) != before
    assert identity(put(address, CONTENT + b"more")) != before


def test_a_file_missing_from_a_bucket_is_refused(bucket):
    put(f"{bucket}/other.mp4")
    assert refusal(f"{bucket}/clip.mp4").reason == f"{bucket}/clip.mp4 does not exist"


def test_a_link_nobody_may_open_is_known_by_its_address_without_telling_it():
    address = "https://host/clip.mp4?Signature=secret"
    assert unopened_identity(address) == unopened_identity(address)
    assert unopened_identity(address) != unopened_identity(f"{address}2")
    assert "secret" not in unopened_identity(address)
