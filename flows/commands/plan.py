"""`recut plan`: validate and price, without Prefect, without a key."""

import asyncio
from dataclasses import replace
from pathlib import PurePosixPath

from flows.commands.messages import busy, complain, counted, print_json, print_plans
from flows.planning.market import market_from_environment
from flows.planning.plan import PlannedJob, plan_rows, rows_of
from flows.rules.budget import Cost, over_cap
from flows.rules.job import EditJob
from flows.rules.manifest import FORMATS, Row
from flows.running.places import Places, names_blocks, open_places
from flows.running.settings import RunOptions, Settings
from flows.telling.reports import plan_as_json


def run_plan(sources: list[str], options: RunOptions, as_json: bool) -> int:
    """Shows the plan of manifests and clips; returns 2 when a batch of them would be refused."""
    places = opened_places(options)
    rows = [(source, row) for source in sources for row in _rows(source, places)]
    plans = planned([row for _, row in rows], options, places)
    plans = [
        plan.model_copy(update={"label": _label(*row, len(sources))}) for plan, row in zip(plans, rows, strict=True)
    ]
    cap = Settings().with_options(options).max_cost
    over = None if cap is None else over_cap(_costs(plans), cap)
    if as_json:
        print_json(plan_as_json(plans) | ({} if cap is None else {"over_cap": over}))
    else:
        print_plans(plans)
        if over:
            complain(f"a batch of these would be refused: {over}")
    return 2 if over or not all(plan.ok for plan in plans) else 0


def opened_places(options: RunOptions) -> Places:
    """Returns the stores of a run with these options; only saved blocks among them need a Prefect server.

    Raises:
        StorageFailed: No such storage is known.
        ValueError: No such block is saved.
    """
    settings = Settings().with_options(options)
    if not names_blocks(settings):
        return asyncio.run(open_places(settings))
    from deployments.local import prefect_server  # not needed by most plans

    with prefect_server():
        return asyncio.run(open_places(settings))


def planned(rows: list[Row], options: RunOptions, places: Places) -> list[PlannedJob]:
    """Returns plans by the environment's provider addresses."""
    settings = Settings().with_options(options)
    market = market_from_environment(settings, settings.load_catalog())
    market = replace(market, staging=places.staging, known=places.known)
    with busy(f"Opening the media of {counted(len(rows), 'job')} …"):
        return asyncio.run(plan_rows(rows, market))


def _rows(source: str, places: Places) -> list[Row]:
    if _is_manifest(source):
        return rows_of(source, places.known)
    return [Row(1, None, EditJob(video=source, prompt="(to be said)"))]


def _label(source: str, row: Row, sources: int) -> str:
    """Returns how messages name a row: by its place in the manifest, and by the manifest where there are several."""
    parts = [source] * (sources > 1) + [row.label] * _is_manifest(source)
    return ", ".join(parts)


def _costs(plans: list[PlannedJob]) -> list[Cost]:
    """Returns what is to be paid for: the same job is paid for once, however often it is listed."""
    return list({plan.job_key: plan.cost for plan in plans if plan.ok}.values())


def _is_manifest(source: str) -> bool:
    return PurePosixPath(source).suffix.lower() in FORMATS
