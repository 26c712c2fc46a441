"""OpenStack Swift as an S3 storage: all but exclusive creation, which recut finds out and makes up for."""

import pytest
import s3fs

from blocks.clients.backends.multipart import PART_BYTES
from blocks.clients.probe import Abilities, probe
from blocks.clients.store import NotExclusive, StorageFailed, Store

LOOKS = ["read", "info", "sha256", "open_range", "names", "identity"]


def test_the_probe_finds_everything_but_exclusive_creation(on_swift: Store):
    assert probe(on_swift) == Abilities(
        exclusive=None,
        lists_at_once=True,
        publishes_whole=True,
        signs=True,
        unsigned_because=None,
        free_bytes=None,
    )
    assert on_swift.names("") == []


def test_a_conditional_create_is_refused_and_leaves_nothing(on_swift: Store):
    with pytest.raises(StorageFailed, match="Conditional object PUTs are not supported"):
        on_swift.create_once("record", b"first")
    assert on_swift.names("") == []


def test_the_header_of_oss_means_nothing_to_it(on_swift: Store):
    with pytest.raises(NotExclusive, match="accepted twice in spite of x-oss-forbid-overwrite"):
        on_swift.prove_exclusive()


def test_a_large_file_goes_up_in_parts_and_keeps_its_labels(on_swift: Store, tmp_path):
    source = tmp_path / "result.mp4"
    source.write_bytes(bytes(range(256)) * (2 * PART_BYTES // 256) + b"end")
    on_swift.publish("a.mp4", source, {"recut-provider-task": "aufgabe-ü"})
    info = on_swift.info("a.mp4")
    assert info["size"] == source.stat().st_size
    assert info["ETag"].endswith('-3"')
    assert info["ContentType"] == "video/mp4"
    labels = s3fs.S3FileSystem(**on_swift.options).metadata(on_swift.address("a.mp4"))
    assert labels["recut-provider-task"] == "aufgabe-%C3%BC"
    assert on_swift.names("") == ["a.mp4"]
    assert on_swift.sha256("a.mp4") == Store(str(tmp_path)).sha256("result.mp4")


def test_what_went_up_in_parts_is_copied_within_the_service(on_swift: Store, tmp_path):
    source = tmp_path / "clip.mp4"
    source.write_bytes(bytes(2 * PART_BYTES))
    on_swift.publish("clip.mp4", source)
    on_swift.copy_from(on_swift, "clip.mp4", "staged.mp4")
    assert on_swift.sha256("staged.mp4") == on_swift.sha256("clip.mp4")


@pytest.mark.parametrize("look", LOOKS)
def test_a_bucket_that_is_not_there_is_no_absence(on_swift: Store, look):
    elsewhere = on_swift.at("s3://nobody-made-this/x")
    with pytest.raises(StorageFailed, match="no such bucket"):
        getattr(elsewhere, look)("record")


@pytest.mark.parametrize("look", LOOKS)
def test_what_may_not_be_seen_is_not_absent(on_swift: Store, look):
    stranger = Store(on_swift.url, {**on_swift.options, "secret": "a wrong one"})
    with pytest.raises(StorageFailed, match=r"signature|Forbidden"):
        getattr(stranger, look)("record")
