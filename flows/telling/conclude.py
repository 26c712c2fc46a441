"""Says how a settled job stands; one whose result is elsewhere gets a copy, never another create."""

import asyncio
from contextlib import suppress

from blocks.clients.store import Store, open_anywhere
from flows.ledger.names import own_name
from flows.planning.plan import PlannedJob
from flows.rules.history import Over
from flows.rules.records import Settled
from flows.rules.sidecar import Sidecar, longer_name
from flows.rules.states import JobState
from flows.running.progress import Stage, Step
from flows.running.run import Run
from flows.telling.outcomes import result_gone, without_result
from flows.telling.reports import JobReport


async def conclude(run: Run, plan: PlannedJob, over: Over) -> JobReport:
    """Returns the report of a published job.

    Raises:
        EditStopped: The job is over without a result.
    """
    assert plan.job_key is not None
    attempt = over.attempt
    settled, provider_task_id = attempt.settled, attempt.submitted.provider_task_id if attempt.submitted else ""
    if over.state is not JobState.PUBLISHED or settled is None or settled.result is None:
        raise without_result(over)
    name = await asyncio.to_thread(_name_at_hand, run, plan, settled)
    if name is None:
        name = await own_name(run, plan.name, plan.job_key)
        name = await asyncio.to_thread(_copied, run, plan, settled, name)
    cost = settled.cost or attempt.intent.estimate
    run.progress.tell(Step(plan.job_key, plan.name, Stage.DONE, cost))
    return JobReport(
        name=plan.name,
        job_key=plan.job_key,
        state=JobState.PUBLISHED,
        provider=attempt.intent.endpoint.provider,
        model=plan.model,
        provider_task_id=provider_task_id,
        result=run.results.address(f"{name}.mp4"),
        sidecar=run.results.address(f"{name}.json"),
        cost=cost,
        notes=settled.notes,
        created=plan.job_key in run.created,
    )


def _name_at_hand(run: Run, plan: PlannedJob, settled: Settled) -> str | None:
    """Returns the name of the result among this run's results, None when it is elsewhere."""
    assert plan.job_key is not None
    names = (plan.name, longer_name(plan.name, plan.job_key))
    return next((name for name in names if run.results.size(f"{name}.mp4") == settled.size_bytes), None)


def _copied(run: Run, plan: PlannedJob, settled: Settled, wished: str) -> str:
    """Copies a result that is elsewhere to this run's results and returns its name there: nothing is overwritten."""
    assert settled.result is not None and plan.job_key is not None
    source, file = open_anywhere(settled.result, run.places.known)
    if source.size(file) != settled.size_bytes:
        raise result_gone(settled.result)
    name = wished if run.results.size(f"{wished}.mp4") is None else longer_name(plan.name, plan.job_key)
    _copy(source, file.removesuffix(".mp4"), run.results, name)
    return name


def _copy(source: Store, stem: str, results: Store, name: str) -> None:
    """Copies a result with what stands beside it; the sidecar is written for its new name."""
    results.copy_from(source, f"{stem}.mp4", f"{name}.mp4")
    with suppress(FileNotFoundError):
        results.copy_from(source, f"{stem}.jpg", f"{name}.jpg")
    with suppress(FileNotFoundError):
        card = Sidecar.model_validate_json(source.read(f"{stem}.json"))
        results.write(f"{name}.json", card.under(name).model_dump_json(indent=1).encode())
