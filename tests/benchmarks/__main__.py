"""`make bench`: what persisting and validating cost on this machine, as a Markdown report.

Usage: python -m tests.benchmarks [MEGABYTES]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from blocks.clients.store import Store
from flows.media import probe_video
from flows.planning.sources import open_medium
from tests.benchmarks.results import curl, make_result, served
from tests.s3 import S3Server

MB = 1024 * 1024
ROUNDS = 3


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1024) * MB
    with tempfile.TemporaryDirectory() as folder, S3Server() as s3:
        os.environ |= s3.environment()
        s3.make_bucket("benchmark")
        home = Path(folder)
        make_result(home / "provider", size)
        with served(home / "provider") as url:
            print(f"# recut on this machine: a result of {size / MB:,.0f} MB\n")
            print("| to | recut, MB/s | curl and copy, MB/s | ratio | peak memory over idle, MB |")
            print("|---|---|---|---|---|")
            report("disk", size, url, str(home / "results"), home)
            report("S3", size, url, "s3://benchmark/results", home)
        print("\nMedian of three rounds, taken in turns; recut also hashes, opens and checks what it fetched.\n")
        report_headers(s3, home, min(size, 100 * 1000 * 1000))


def report(name: str, size: int, url: str, results: str, home: Path) -> None:
    """Prints one line: recut beside plain tools, in turns."""
    ours: list[dict[str, Any]] = []
    plain: list[float] = []
    for number in range(ROUNDS):
        plain.append(plainly(url, results, home, number))
        command = [sys.executable, "-m", "tests.benchmarks.persist_one", f"{url}/result.mp4", f"{results}/{number}"]
        ours.append(json.loads(subprocess.check_output(command)))
    seconds, by_curl = statistics.median(told["seconds"] for told in ours), statistics.median(plain)
    memory = max(told["peak_bytes"] - told["idle_bytes"] for told in ours) / MB
    mb = size / MB
    print(f"| {name} | {mb / seconds:,.0f} | {mb / by_curl:,.0f} | {by_curl / seconds:.2f} | {memory:,.0f} |")
    steps = {step: statistics.median(told[step] for told in ours) for step in ("fetch", "verify", "publish")}
    print(f"{name}: {', '.join(f'{step} {took:.2f} s' for step, took in steps.items())}", file=sys.stderr)


def plainly(url: str, results: str, home: Path, number: int) -> float:
    """Returns how long curl takes to fetch the same bytes, and cp or curl to bring them to their place for good."""
    fetched = home / "fetched.mp4"
    begin = time.perf_counter()
    run(curl(), "-sS", "-o", fetched, f"{url}/result.mp4")
    if "://" in results:
        store = Store(results)
        target = store._backend.fs.sign(store._path(f"plain-{number}.mp4"), 600, client_method="put_object")
        run(curl(), "-sS", "-f", "-T", fetched, target)
    else:
        target = home / f"plain-{number}.mp4"
        run("cp", fetched, target)
        run("sync", target)
    return time.perf_counter() - begin


def report_headers(s3: S3Server, home: Path, size: int) -> None:
    """Prints how much of a large clip validating reads."""
    store = Store("s3://benchmark/inbox")
    store.publish("clip.mp4", make_result(home / "clip", size))
    for place, address in (
        ("in a bucket", "s3://benchmark/inbox/clip.mp4"),
        ("on the web", store.sign("clip.mp4", 600)),
    ):
        s3.seen.clear()
        with open_medium(address) as medium:
            probe_video(medium.stream, medium.size_bytes)
        print(f"- Validating a clip of {size / 1e6:,.0f} MB {place} reads {s3.sent_bytes('clip') / 1e3:,.0f} kB.")


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
