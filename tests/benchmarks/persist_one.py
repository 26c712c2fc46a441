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
from flows.transfer.sending import sending


def main() -> None:
    url, results = sys.argv[1], Store(sys.argv[2])
    check_usable(results)
    idle = _peak_bytes()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(persist(url, results, Path(folder) / "result.mp4"))
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "idle_bytes": idle, "peak_bytes": _peak_bytes()}))


async def persist(url: str, results: Store, file: Path) -> None:
    """What the stage does with the bytes of a result, without a journal."""
    task, attempt = SimpleNamespace(result_url=url), SimpleNamespace(submitted=True)
    labels = {"recut-job-key": "benchmark"}
    async with sending(results.ahead("result.mp4", file, labels)) as sent:
        await fetch(cast(Any, None), cast(Any, attempt), cast(Any, task), file, sending=sent)
        verified = verify_result(file, Expected())
        assert not verified.problems, verified.problems
        if not await sent.finish():
            results.publish("result.mp4", file, labels, shared=True)


def _peak_bytes() -> int:
    """Returns the most memory this process had so far; what getrusage tells is as large as its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
