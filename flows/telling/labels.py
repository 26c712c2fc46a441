"""Names and tags of the current flow run, so that people find it by what it edits and who pays."""

from collections.abc import Iterable
from uuid import UUID

from prefect import get_client
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows.planning.plan import PlannedJob
from flows.running.run import Run


async def label_run(run: Run, plans: Iterable[PlannedJob], name: str | None = None) -> None:
    """Tags the current flow run with provider, model and account, and a single job's with its key.

    Args:
        run: The run.
        plans: The jobs of the flow run.
        name: A better name for the flow run, if there is one now.
    """
    plans = list(plans)
    wheres = [await run.endpoint(plan.provider, plan.model) for plan in plans]
    tags = {tag for where in wheres for tag in (str(where.provider), where.model, where.account)}
    if len(plans) == 1 and plans[0].job_key:
        tags.add(plans[0].job_key)
    run_id = flow_run.get_id()
    if run_id is None:
        return
    try:
        async with get_client() as client:
            await client.update_flow_run(UUID(run_id), name=name, tags=sorted(tags | set(flow_run.get_tags())))
    except Exception as error:
        get_run_logger().warning("the flow run could not be labelled: %s", error)
