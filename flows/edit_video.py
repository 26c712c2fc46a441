"""One job through the five stages: validate → upload → create → poll → persist."""

from prefect import flow

from flows.conclude import conclude
from flows.outcomes import InputRefused
from flows.plan import PlannedJob
from flows.reports import JobReport
from flows.rules.history import Create, Over
from flows.rules.job import EditJob
from flows.rules.manifest import Row
from flows.run import Run, open_run
from flows.settings import RunOptions
from flows.stages.create import create
from flows.stages.persist import persist
from flows.stages.poll import poll
from flows.stages.upload import upload
from flows.stages.validate import validate


@flow(name="edit-video", flow_run_name="edit: {job.video}", validate_parameters=True)
async def edit_video(job: EditJob, options: RunOptions | None = None) -> JobReport:
    """Edits one clip and leaves a verified result in the results folder.

    Args:
        job: What to edit, and how.
        options: What this run sets for itself; the rest comes from the environment.

    Raises:
        InputRefused: The job cannot run as it is; nothing was uploaded or created.
        EditStopped: It has no result; the text says what that means for the money.
    """
    async with open_run(options or RunOptions()) as run:
        provider = job.provider or run.settings.provider
        plan = await validate(Row(1, None, job), await run.market({provider}))
        if plan.problems:
            raise InputRefused([(plan.name, plan.problems)])
        return await edit(run, plan)


async def edit(run: Run, plan: PlannedJob) -> JobReport:
    """Takes a validated job to its end, from wherever the journal says it stands.

    Raises:
        EditStopped: It has no result; the text says what that means for the money.
    """
    assert plan.job_key is not None
    while not isinstance(step := await run.next_step(plan.job_key), Over):
        links = await upload(run, plan) if isinstance(step, Create) else None
        where = await run.endpoint(plan.provider, plan.model)
        async with run.limits.slot(where, run.offer(where).quotas):
            attempt = await create(run, plan, links)
            over = await poll(run, attempt) if attempt else None
        if attempt and over:
            await persist(run, plan.name, attempt, over)
    return await conclude(run, plan, step)
