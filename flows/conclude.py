"""Says how a settled job stands; one whose result is elsewhere gets a copy, never another create."""

import asyncio

from blocks.clients.store import open_anywhere
from flows.outcomes import (
    EditStopped,
    abandoned,
    cancelled,
    expired,
    provider_task_failed,
    result_gone,
)
from flows.plan import PlannedJob
from flows.progress import Stage, Step
from flows.reports import JobReport
from flows.rules.history import Over
from flows.rules.states import JobState
from flows.run import Run

_PARTS = (".mp4", ".json", ".jpg")


async def conclude(run: Run, plan: PlannedJob, over: Over) -> JobReport:
    """Returns the report of a published job.

    Raises:
        EditStopped: The job is over without a result.
    """
    assert plan.job_key is not None
    attempt = over.attempt
    settled, provider_task_id = attempt.settled, attempt.submitted.provider_task_id if attempt.submitted else ""
    if over.state is not JobState.PUBLISHED or settled is None or settled.result is None:
        raise _stopped(over, provider_task_id)
    result, sidecar = await asyncio.to_thread(_at_hand, run, plan, settled.result, settled.sha256)
    cost = settled.cost or attempt.intent.estimate
    run.progress.tell(Step(plan.job_key, plan.name, Stage.DONE, cost))
    return JobReport(
        name=plan.name,
        job_key=plan.job_key,
        state=JobState.PUBLISHED,
        provider=attempt.intent.endpoint.provider,
        model=plan.model,
        provider_task_id=provider_task_id,
        result=result,
        sidecar=sidecar,
        cost=cost,
        created=plan.job_key in run.created,
    )


def _stopped(over: Over, provider_task_id: str) -> EditStopped:
    match over.state:
        case JobState.EXPIRED:
            return expired(provider_task_id)
        case JobState.CANCELLED:
            return cancelled(provider_task_id)
        case JobState.ABANDONED:
            return abandoned()
        case _:
            return provider_task_failed(
                over.attempt.settled.failure if over.attempt.settled else None, provider_task_id
            )


def _at_hand(run: Run, plan: PlannedJob, result: str, sha256: str | None) -> tuple[str, str]:
    """Returns addresses of result and sidecar under this run's results, copied there from wherever they are."""
    wanted = run.results.address(f"{plan.name}.mp4")
    if _is(run, plan.name, sha256):
        return wanted, run.results.address(f"{plan.name}.json")
    source, file = open_anywhere(result)
    stem = file.removesuffix(".mp4")
    try:
        if source.sha256(file) != sha256:
            raise result_gone(result)
        if source.url == run.results.url and stem.startswith(plan.name):
            # Published under a longer name because another file had this one; it is where it belongs.
            return result, source.address(f"{stem}.json")
        name = plan.name if not _taken(run, plan.name) else f"{plan.name}-{(plan.job_key or '')[:8]}"
        for part in _PARTS:
            run.results.copy_from(source, f"{stem}{part}", f"{name}{part}")
    except FileNotFoundError:
        raise result_gone(result) from None
    return run.results.address(f"{name}.mp4"), run.results.address(f"{name}.json")


def _is(run: Run, name: str, sha256: str | None) -> bool:
    try:
        return run.results.sha256(f"{name}.mp4") == sha256
    except FileNotFoundError:
        return False


def _taken(run: Run, name: str) -> bool:
    try:
        run.results.info(f"{name}.mp4")
    except FileNotFoundError:
        return False
    return True
