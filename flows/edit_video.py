"""One job through the five stages: validate → upload → create → poll → persist."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.planning.plan import PlannedJob
from flows.rules.history import Create, Follow, Over, Reconcile
from flows.rules.job import EditJob
from flows.rules.manifest import Row
from flows.rules.states import JobState
from flows.running.progress import Stage, Step
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.running.stopping import cancellable
from flows.stages.create import create
from flows.stages.persist import persist
from flows.stages.poll import poll
from flows.stages.reconcile import find_out
from flows.stages.upload import upload
from flows.stages.validate import validate
from flows.telling.artifacts import renew_gallery, show_edit
from flows.telling.conclude import conclude
from flows.telling.labels import label_run
from flows.telling.outcomes import EditStopped, InputRefused
from flows.telling.reports import BatchReport, JobReport, counts
from flows.telling.summary import money
from flows.telling.unexpected import stopped_by


@flow(name="edit-video", flow_run_name="edit: {job.clip_stem}", persist_result=False)
@cancellable
async def edit_video(job: EditJob, options: RunOptions | None = None) -> State[BatchReport]:
    """Edits one clip and leaves a verified result in the results folder.

    Args:
        job: What to edit, and how.
        options: What this run sets for itself; the rest comes from the environment.

    Returns:
        Completed when the job is published, Failed otherwise; either carries the report.

    Raises:
        InputRefused: The job cannot run as it is; nothing was uploaded or created.
    """
    async with open_run(options or RunOptions()) as run:
        market = await run.market({job.provider or run.settings.provider})
        plan = await validate(Row(1, None, job), market, job.clip_stem)
        if plan.problems:
            raise InputRefused([(plan.name, plan.problems)])
        await run.keep_to_cap([plan])
        await label_run(run, [plan], f"edit: {job.clip_stem} · {plan.model}")
        report = await edit_and_report(run, plan)
        await renew_gallery(run, [report])
        await show_edit(run, plan, report)
    return verdict(BatchReport(jobs=[report]))


async def edit(run: Run, plan: PlannedJob) -> JobReport:
    """Takes a validated job to its end, from wherever the journal says it stands.

    Raises:
        EditStopped: It has no result; the text says what that means for the money.
    """
    assert plan.job_key is not None
    while not isinstance(step := await run.next_step(plan.job_key), Over):
        if isinstance(step, Reconcile):
            await find_out(run, step.attempt)
            continue
        links = await upload(run, plan) if isinstance(step, Create) else None
        began = step.attempt.intent.endpoint if isinstance(step, Follow) else None
        where = began or await run.endpoint(plan.provider, plan.model)
        async with run.limits.slot(where, run.offer(where).quotas):
            attempt = await create(run, plan, links)
            over = await poll(run, attempt) if attempt else None
        if attempt and over:
            await persist(run, plan.name, attempt, over)
    return await conclude(run, plan, step)


async def edit_and_report(run: Run, plan: PlannedJob) -> JobReport:
    """Takes a validated job to its end and reports it, whatever the end is."""
    assert plan.job_key is not None
    lane = await run.lane(plan.provider, plan.model)
    run.progress.tell(Step(plan.job_key, plan.name, Stage.WAITING, plan.cost, lane=lane))
    try:
        report = await edit(run, plan)
    except EditStopped as error:
        report = await _stopped(run, plan, error)
    except Exception as error:
        report = await report_broken_off(run, plan, error)
    return report.model_copy(update={"seconds": run.progress.seconds_of(plan.job_key)})


async def report_broken_off(run: Run, plan: PlannedJob, error: Exception) -> JobReport:
    """Reports a job that was broken off by an error no stage expected to be its end."""
    assert plan.job_key is not None
    return await _stopped(run, plan, await stopped_by(run, plan.job_key, error))


async def _stopped(run: Run, plan: PlannedJob, stopped: EditStopped) -> JobReport:
    assert plan.job_key is not None
    stage = Stage.HELD if stopped.state is JobState.HELD else Stage.FAILED
    run.progress.tell(Step(plan.job_key, plan.name, stage, message=str(stopped)))
    return JobReport(
        name=plan.name,
        job_key=plan.job_key,
        state=stopped.state,
        provider=plan.provider,
        model=plan.model,
        provider_task_id=await run.provider_task_id(plan.job_key),
        cost=plan.cost,
        error=stopped.error,
        created=plan.job_key in run.created,
    )


def verdict(report: BatchReport) -> State[BatchReport]:
    """Returns the final state of a flow run, with a message people understand."""
    first = next((job.error for job in report.jobs if job.error is not None), None)
    if first is None:
        cost = f" for {money(report.cost())}" if report.jobs else ""
        return Completed(message=f"{report.succeeded} published{cost}", data=report)
    return Failed(message=f"{counts(report)}; first: {first.message}. {first.advice}", data=report)
