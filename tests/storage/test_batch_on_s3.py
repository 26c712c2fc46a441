"""The whole command with results, journal and staging in buckets: every create once, every result published."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import pytest

from blocks.clients.store import Store
from deployments.emulator import Emulator
from tests.cli.recut import Recut, basic_environment
from tests.conftest import CLOCK_SCALE, KEY, Media
from tests.s3 import SECRET, S3Server
from tests.swift import SwiftServer

WAN = "wan2.7-videoedit"


def running(emulator: Emulator, service: Mapping[str, str], root: str, tmp_path: Path) -> Iterator[Recut]:
    environment = {
        **basic_environment(tmp_path),
        **service,
        "RECUT_HOME": str(tmp_path / ".recut"),
        "RECUT_SERVER_IDLE_SECONDS": "5",
        "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
        "RECUT_RESULTS": f"{root}/results",
        "RECUT_STAGING": f"{root}/staging",
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": emulator.dashscope_base_url,
        "APIYI_API_KEY": KEY,
        "APIYI_BASE_URL": emulator.apiyi_base_url,
    }
    recut = Recut(tmp_path, environment)
    yield recut
    recut.end()


@pytest.fixture
def recut(emulator: Emulator, s3: S3Server, bucket: str, tmp_path: Path) -> Iterator[Recut]:
    yield from running(emulator, s3.environment(), bucket, tmp_path)


@pytest.fixture
def recut_on_swift(emulator: Emulator, swift: SwiftServer, on_swift: Store, tmp_path: Path) -> Iterator[Recut]:
    yield from running(emulator, swift.environment(), on_swift.url, tmp_path)


def test_a_batch_runs_wholly_on_buckets(recut: Recut, emulator: Emulator, s3: S3Server, bucket: str, media: Media):
    Store(f"{bucket}/inbox").publish("clip.mp4", media.clip)
    videos = [f"{bucket}/inbox/clip.mp4", str(media.clip), media.clip_url]
    jobs = [
        {
            "video": video,
            "prompt": f"look {number}",
            "reference_images": [str(media.picture)],
            "provider": provider,
            "model": WAN,
            "name": f"{provider}-{number}",
        }
        for number, video in enumerate(videos)
        for provider in ("dashscope", "apiyi")
    ]
    manifest = recut.write("jobs.jsonl", jobs)
    doctor = recut("doctor")
    assert doctor.code == 0, doctor.said
    assert "exclusive creation is real (If-None-Match)" in doctor.out
    assert "signed URLs answer" in doctor.out

    done = recut("batch", manifest, "--json")
    assert done.code == 0, done.said
    assert len(emulator.audit()) == len(jobs)
    results = Store(f"{bucket}/results")
    for told in done.json["jobs"]:
        assert told["result"] == f"{bucket}/results/{told['name']}.mp4"
        with av.open(io.BytesIO(results.read(f"{told['name']}.mp4"))) as video:
            assert video.streams.video
        info = results.info(f"{told['name']}.mp4")
        assert info["ContentType"] == "video/mp4"
    assert len(s3.puts("staging/sha256-")) == 2

    again = recut("batch", manifest, "--json")
    assert again.code == 0, again.said
    assert len(emulator.audit()) == len(jobs)

    records = [json.loads(results.read(name)) for name in results.names("") if name.endswith(".json")]
    everything = json.dumps(records) + done.said + again.said + doctor.said
    everything += results.read("gallery.html").decode()
    for path in recut.folder.rglob("*"):
        # Pages in the Prefect UI carry signed links on purpose: a browser opens them.
        if path.is_file() and "prefect" not in path.parts:
            everything += path.read_bytes().decode(errors="replace")
    assert "X-Amz-Signature" not in everything
    assert SECRET not in everything


def test_a_batch_runs_on_swift_with_its_records_written_one_at_a_time(
    recut_on_swift: Recut, emulator: Emulator, on_swift: Store, media: Media
):
    both = {"video": str(media.clip), "prompt": "x", "reference_images": [str(media.picture)], "model": WAN}
    jobs = [{**both, "provider": provider, "name": provider} for provider in ("dashscope", "apiyi")]
    manifest = recut_on_swift.write("jobs.jsonl", jobs)
    doctor = recut_on_swift("doctor")
    assert doctor.code == 0, doctor.said
    assert "exclusive creation is not real, so recut writes its records one at a time" in doctor.out

    for _ in range(2):
        done = recut_on_swift("batch", manifest, "--json")
        assert done.code == 0, done.said
        assert len(emulator.audit()) == len(jobs)
    for job in jobs:
        with av.open(on_swift.open_range(f"results/{job['name']}.mp4")) as video:
            assert video.streams.video
