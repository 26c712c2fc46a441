"""Persists one result in a process of its own, and prints how long it took and how much memory it needed.

Usage: python -m tests.benchmarks.persist_one RESULT_URL RESULTS_URL
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from blocks.clients.probe import check_usable
from blocks.clients.store import Store
from flows.media.verify import Expected, verify_result
from flows.transfer.fetch import fetch


def main() -> None:
    url, results = sys.argv[1], Store(sys.argv[2])
    check_usable(results)
    idle = _peak_bytes()
    begin = time.perf_counter()
    task, attempt = SimpleNamespace(result_url=url), SimpleNamespace(submitted=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.mp4"
        asyncio.run(fetch(cast(Any, None), cast(Any, attempt), cast(Any, task), file))
        fetched = time.perf_counter()
        verified = verify_result(file, Expected(duration_seconds=None, resolution=None, ratio=None, audio=None))
        assert not verified.problems, verified.problems
        checked = time.perf_counter()
        results.publish("result.mp4", file, {"recut-job-key": "benchmark"}, shared=True)
    end = time.perf_counter()
    told = {
        "fetch": fetched - begin,
        "verify": checked - fetched,
        "publish": end - checked,
        "seconds": end - begin,
        "idle_bytes": idle,
        "peak_bytes": _peak_bytes(),
    }
    print(json.dumps(told))


def _peak_bytes() -> int:
    """Returns the most memory this process had so far; what getrusage tells is as large as its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
