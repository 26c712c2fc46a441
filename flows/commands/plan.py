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
    rows = [row for source in sources for row in _rows(source)]
    plans = planned(rows, options)
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
    if PurePosixPath(source).suffix.lower() in FORMATS:
        return rows_of(source)
    return [Row(1, None, EditJob(video=source, prompt="(to be said)"))]
