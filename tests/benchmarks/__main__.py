"""`make bench`: what recut costs on this machine, told in Markdown; JSON and pictures go to build/benchmarks.

Usage: python -m tests.benchmarks [NAME]…
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import plots, scheduling, scheduling_report, storage, storage_report

REPORTS = Path("build/benchmarks")


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        measure: Runs it in a folder of its own; returns what it found, as JSON can hold it.
        told: Returns what it found in Markdown.
        draw: Draws what it found into a PNG file; None where there is nothing to see.
    """

    measure: Callable[[Path], Mapping[str, Any]]
    told: Callable[[Mapping[str, Any]], str]
    draw: Callable[[Mapping[str, Any], Path], None] | None = None


BENCHMARKS = {
    "scheduling": Benchmark(scheduling.measure, scheduling_report.told, plots.draw),
    "storage": Benchmark(storage.measure, storage_report.told),
}


def main(names: list[str]) -> None:
    """Runs benchmarks, all of them unless some are named."""
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}.")
    REPORTS.mkdir(parents=True, exist_ok=True)
    print("# recut on this machine\n")
    for name in names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        with tempfile.TemporaryDirectory() as folder:
            found = benchmark.measure(Path(folder))
        (REPORTS / f"{name}.json").write_text(json.dumps(found, indent=1))
        if benchmark.draw is not None:
            benchmark.draw(found, REPORTS / f"{name}.png")
        print(benchmark.told(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
