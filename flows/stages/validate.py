"""Stage 1: open the media, hold everything against the catalogue, price it. Creates and uploads nothing."""

import asyncio

from flows.planning.market import Market
from flows.planning.plan import PlannedJob, plan_row
from flows.rules.manifest import Row
from flows.stages.stage import stage


@stage("validate", named="validate {name}", retries=0)
async def validate(row: Row, market: Market, name: str) -> PlannedJob:
    """Returns the plan of a job; a refused one carries all its problems.

    Args:
        row: The job, or what was read in its place.
        market: Where jobs would run.
        name: How the Prefect task run is called.
    """
    return await asyncio.to_thread(plan_row, row, market)
