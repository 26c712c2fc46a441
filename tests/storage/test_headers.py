"""Validating reads headers only, wherever a clip lies and wherever its index is in it."""

import struct
from pathlib import Path

import pytest

from blocks.clients.store import Store
from flows.media import probe_video
from flows.planning.sources import open_medium
from tests.clips import make_clip
from tests.s3 import S3Server

#: A clip this large is validated by reading less than MOST_READ of it.
LARGE, MOST_READ = 95_000_000, 2_000_000


@pytest.fixture(scope="module", params=[False, True], ids=["index at the end", "index in front"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip filled up with a box that says nothing: right before an index at the end, or after everything."""
    made = make_clip(tmp_path_factory.mktemp("large") / "clip.mp4", faststart=request.param, seconds=10)
    content = made.read_bytes()
    place = len(content) if request.param else content.rindex(b"moov") - 4
    filling = LARGE - len(content)
    with made.open("wb") as file:
        file.write(content[:place])
        file.write(struct.pack(">I4s", filling, b"free") + bytes(filling - 8))
        file.write(content[place:])
    return made


def test_a_large_clip_in_a_bucket_is_validated_by_its_headers(clip: Path, bucket: str, s3: S3Server):
    Store(bucket).publish("clip.mp4", clip)
    s3.seen.clear()
    with open_medium(f"{bucket}/clip.mp4") as medium:
        facts = probe_video(medium.stream, medium.size_bytes)
    assert facts.duration_seconds == pytest.approx(10, abs=0.2)
    assert facts.size_bytes == LARGE
    assert 0 < s3.sent_bytes("clip.mp4") < MOST_READ


def test_a_large_clip_on_the_web_is_validated_by_its_headers(clip: Path, bucket: str, s3: S3Server):
    store = Store(bucket)
    store.publish("clip.mp4", clip)
    s3.seen.clear()
    with open_medium(store.sign("clip.mp4", 60)) as medium:
        assert probe_video(medium.stream, medium.size_bytes).size_bytes == LARGE
    assert 0 < s3.sent_bytes("clip.mp4") < MOST_READ
