"""Why a drop's job has no result, and what it takes."""

from blocks.clients.store import StorageFailed
from flows.rules.drop_ends import Remedy, Why, remedy_for
from flows.rules.states import JobState
from flows.running.run import Run
from flows.telling.reports import JobReport


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
