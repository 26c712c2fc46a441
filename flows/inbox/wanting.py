"""Why a drop's job has no result, and what it takes."""

from blocks.clients.store import StorageFailed
from flows.planning.plan import PlannedJob
from flows.rules.drop_ends import Remedy, Why, remedy_for
from flows.rules.states import JobState
from flows.running.run import Run
from flows.telling.reports import JobReport
from flows.telling.unexpected import stopped_by


async def why_not(run: Run, report: JobReport) -> tuple[Remedy, Why]:
    """Returns what it takes for an unpublished job to get a result, and why it has none."""
    assert report.error is not None and report.job_key is not None
    advice = report.error.advice
    if report.state is JobState.HELD:
        advice = f"{advice}; the job is {report.job_key[:8]}, as in recut resolve {report.job_key[:8]} --abandon"
    why = Why(about=report.name, message=report.error.message, advice=advice)
    try:
        history = await run.journal.history(report.job_key)
    except StorageFailed:
        return Remedy.TIME, why
    refused = history.last.refused.failure if history.last and history.last.refused else None
    settings = report.error.is_about_settings
    return remedy_for(report.state, run.step_after(history), refused, about_settings=settings), why


async def broken_off(run: Run, plan: PlannedJob, error: Exception) -> JobReport:
    """Returns how a job stands whose shard broke off before it had ended."""
    assert plan.job_key is not None
    stopped = await stopped_by(run, plan.job_key, error)
    return JobReport(
        name=plan.name,
        job_key=plan.job_key,
        state=stopped.state,
        provider=plan.provider,
        model=plan.model,
        provider_task_id=await run.provider_task_id(plan.job_key),
        cost=plan.cost,
        error=stopped.error,
    )
