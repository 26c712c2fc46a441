"""`recut plan`: validate and price, without Prefect, without a key."""

import asyncio
from pathlib import PurePosixPath

from flows.commands.messages import print_json, print_plans
from flows.market import market_from_environment
from flows.plan import PlannedJob, plan_rows, rows_of
from flows.reports import plan_as_json
from flows.rules.job import EditJob
from flows.rules.manifest import FORMATS, Row
from flows.settings import RunOptions, Settings


def run_plan(sources: list[str], options: RunOptions, as_json: bool) -> int:
    """Shows the plan of manifests and clips; returns 2 when any job is refused."""
    rows = [(source, row) for source in sources for row in _rows(source)]
    plans = planned([row for _, row in rows], options)
    plans = [
        plan.model_copy(update={"label": _label(*row, len(sources))}) for plan, row in zip(plans, rows, strict=True)
    ]
    if as_json:
        print_json(plan_as_json(plans))
    else:
        print_plans(plans)
    return 0 if all(plan.ok for plan in plans) else 2


def planned(rows: list[Row], options: RunOptions) -> list[PlannedJob]:
    """Returns plans by the environment's provider addresses."""
    settings = Settings().with_options(options)
    market = market_from_environment(settings, settings.load_catalog())
    return asyncio.run(plan_rows(rows, market))


def _rows(source: str) -> list[Row]:
    if _is_manifest(source):
        return rows_of(source)
    return [Row(1, None, EditJob(video=source, prompt="(to be said)"))]


def _label(source: str, row: Row, sources: int) -> str:
    """Returns how messages name a row: by its place in the manifest, and by the manifest where there are several."""
    parts = [source] * (sources > 1) + [row.label] * _is_manifest(source)
    return ", ".join(parts)


def _is_manifest(source: str) -> bool:
    return PurePosixPath(source).suffix.lower() in FORMATS
