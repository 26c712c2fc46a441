"""recut's own stages without Prefect around them, to tell what each of the two costs.

With --one-sheet only the first result is judged by its looks and gets a contact sheet, all others are only played to
their end: it tells what the looks cost.

Usage: python -m tests.benchmarks.contenders.recut_stages MANIFEST [--one-sheet]
"""

import asyncio
import functools
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from flows.planning.plan import rows_of
from flows.running.run import open_run
from flows.running.settings import RunOptions


async def main() -> None:
    batch, single = import_module("flows.edit_batch"), import_module("flows.edit_video")
    for module, stages in ((batch, ["validate"]), (single, ["upload", "create", "poll", "persist"])):
        for name in stages:
            setattr(module, name, getattr(module, name).fn)
    if "--one-sheet" in sys.argv:
        persist, verify = import_module("flows.stages.persist"), import_module("flows.media.verify")
        persist.compared, verify.samples_of = once(persist.compared), once(verify.samples_of)
    async with open_run(RunOptions()) as run:
        plans = await batch.validate_all(run, rows_of(sys.argv[1], run.places.known))
        reports = await asyncio.gather(*(single.edit_and_report(run, plan) for plan in plans))
    assert all(report.error is None for report in reports), [report.error for report in reports if report.error]


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function, which now works for its first caller only and gives all others the same."""
    first = threading.Lock()
    told: list[Any] = []

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with first:
            if not told:
                told.append(function(*arguments, **named))
            return told[0]

    return call


if __name__ == "__main__":
    asyncio.run(main())
