"""What results, clips and reference images cost on their way: beside plain tools, and beside doing it naively."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blocks.clients.store import Store
from deployments.emulator import WAN, Emulator, EmulatorConfig, Limits, RunTime
from flows.media import probe_video
from flows.planning.sources import open_medium
from tests.benchmarks.results import curl, make_result, served
from tests.clips import make_clip, make_image
from tests.recorder import Recorder
from tests.s3 import S3Server

MB = 1024 * 1024
RECUT = Path(sys.executable).with_name("recut")
#: Brings a local file under a name in a folder, with plain tools.
Copy = Callable[[Path, str, str], None]


def measure(folder: Path, *, megabytes: int = 1024, rounds: int = 3, jobs: int = 100) -> dict[str, Any]:
    """Runs all measurements and returns what they told.

    Args:
        folder: For everything made.
        megabytes: Size of the result that is persisted.
        rounds: How often it is, by each contender in turn.
        jobs: Size of the batch whose jobs share one reference image.
    """
    with S3Server() as s3:
        os.environ |= s3.environment()
        s3.make_bucket("benchmark")
        make_result(folder / "provider", megabytes * MB)
        with served(folder / "provider") as url:
            copies: list[tuple[str, Copy, str]] = [
                ("disk", by_cp, str(folder / "results")),
                ("S3", in_one_put, "s3://benchmark/results"),
                ("S3, both in parts", in_parts, "s3://benchmark/in-parts"),
            ]
            persisted = [
                persisting(name, f"{url}/result.mp4", copy, place, folder, rounds) for name, copy, place in copies
            ]
        return {
            "megabytes": megabytes,
            "rounds": rounds,
            "persisting": persisted,
            "validating": validating(s3, folder / "clip"),
            "uploads": uploads(s3, folder / "batch", jobs),
        }


def persisting(name: str, url: str, copy: Copy, results: str, folder: Path, rounds: int) -> dict[str, Any]:
    """Takes turns with plain tools at bringing a result to its place; times are medians, in seconds."""
    plain, hashed, ours = [], [], []
    for number in range(rounds):
        file = folder / "fetched.mp4"
        by_plain_tools = timed(lambda file=file: run(curl(), "-sS", "-o", file, url))
        by_plain_tools += timed(lambda file=file, number=number: copy(file, results, f"plain-{number}.mp4"))
        plain.append(by_plain_tools)
        hashed.append(by_plain_tools + timed(lambda file=file: run("sha256sum", file)))
        command = [sys.executable, "-m", "tests.benchmarks.persist_one", url, f"{results}/{number}"]
        ours.append(json.loads(subprocess.check_output(command)))
    return {
        "to": name,
        "seconds": statistics.median(told["seconds"] for told in ours),
        "plain_seconds": statistics.median(plain),
        "plain_and_hashed_seconds": statistics.median(hashed),
        "peak_bytes_over_idle": max(told["peak_bytes"] - told["idle_bytes"] for told in ours),
    }


def by_cp(file: Path, results: str, name: str) -> None:
    """Copies a file to its place on disk, for good."""
    target = file.with_name(name)
    run("cp", file, target)
    run("sync", target)


def in_one_put(file: Path, results: str, name: str) -> None:
    """Sends a file to S3 with curl."""
    store = Store(results)
    target = store._backend.fs.sign(store._path(name), 600, client_method="put_object")
    run(curl(), "-sS", "-f", "-T", file, target)


def in_parts(file: Path, results: str, name: str) -> None:
    """Sends a file to S3 with Amazon's own library."""
    bucket, _, folder = results.removeprefix("s3://").partition("/")
    run(sys.executable, "-m", "tests.benchmarks.send_in_parts", file, bucket, f"{folder}/{name}")


def validating(s3: S3Server, folder: Path) -> dict[str, int]:
    """Returns how many bytes validating a clip of 100 MB reads, in a bucket and on the web."""
    store = Store("s3://benchmark/inbox")
    clip = make_result(folder, 100_000_000)
    store.publish("clip.mp4", clip)
    read = {"clip_bytes": clip.stat().st_size}
    addresses = {"read_in_a_bucket": "s3://benchmark/inbox/clip.mp4", "read_on_the_web": store.sign("clip.mp4", 600)}
    for place, address in addresses.items():
        s3.seen.clear()
        with open_medium(address) as medium:
            probe_video(medium.stream, medium.size_bytes)
        read[place] = s3.sent_bytes("clip")
    return read


def uploads(s3: S3Server, folder: Path, jobs: int) -> dict[str, Any]:
    """Runs a batch whose jobs share one local reference image, and counts how often the image went up."""
    picture = make_image(folder / "picture.png")
    rows = ({"prompt": f"Edit {number}", "reference_images": [str(picture)]} for number in range(jobs))
    told: dict[str, Any] = {"jobs": jobs, "picture_bytes": picture.stat().st_size}
    fast = Limits(running=50, submits_per_second=None, queries_per_second=None, policies_per_second=None)
    config = EmulatorConfig(port=0, effort="quick", clock_scale=60, run_times={WAN: RunTime(median=1)}, limits=fast)
    with Recorder() as web, Emulator(config) as emulator:
        web.serve(make_clip(folder / "clip.mp4").read_bytes(), ETag='"the-clip"')
        manifest = folder / "jobs.jsonl"
        manifest.write_text("".join(f"{json.dumps({'video': f'{web.url}/clip.mp4', **row})}\n" for row in rows))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RECUT_", "PREFECT_"))},
            "RECUT_HOME": str(folder / "home"),
            "RECUT_SERVER_IDLE_SECONDS": "5",
            "RECUT_CLOCK_SCALE": str(config.clock_scale),
            "RECUT_MAX_RUNNING": str(fast.running),
            "RECUT_SUBMITS_PER_SECOND": "1000",
            "RECUT_QUERIES_PER_SECOND": "1000",
            "DASHSCOPE_API_KEY": "sk-of-the-benchmark",
            "DASHSCOPE_HTTP_BASE_URL": emulator.dashscope_base_url,
        }

        def batch(name: str, **more: str) -> None:
            settings = {**environment, "RECUT_RESULTS": str(folder / name), **more}
            subprocess.run([RECUT, "batch", manifest, "--json"], env=settings, check=True, stdout=subprocess.DEVNULL)

        batch("temporary")
        told["to_the_temporary_store"] = emulator.counters().operations["dashscope upload"].received
        batch("staged", RECUT_STAGING="s3://benchmark/staging")
        told["to_staging"] = len(s3.puts("staging/sha256-"))
    return told


def timed(work: Callable[[], object]) -> float:
    """Returns how long something takes, in seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def run(*command: object) -> None:
    """Runs a command that must succeed."""
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
