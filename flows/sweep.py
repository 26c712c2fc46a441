"""Finishes what earlier runs left: polls, fetches, reconciles, closes what expired. Never creates anything."""

import asyncio
from dataclasses import dataclass

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed

from blocks.clients.store import StorageFailed
from flows.edit_video import verdict
from flows.ledger.journal import JournalUnreadable
from flows.planning.plan import UNKNOWN_COST
from flows.rules.history import Attempt, Follow, Reconcile
from flows.rules.job import DEFAULT_MODELS
from flows.rules.states import JobState
from flows.running.progress import Stage, Step
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.running.stopping import cancellable
from flows.stages.persist import persist
from flows.stages.poll import VALIDITY_SECONDS, poll
from flows.stages.reconcile import find_out
from flows.telling.artifacts import renew_gallery
from flows.telling.outcomes import EditStopped, expired, storage_stopped
from flows.telling.reports import BatchReport, JobReport
from flows.telling.unexpected import stopped_by

#: A paid result with less than this left, in provider seconds, is worth waking somebody.
EXPIRING_SECONDS = 3 * 3600.0
#: Left jobs finished at the same time.
AT_ONCE = 16


@dataclass(frozen=True)
class Left:
    """A job an earlier run left unfinished.

    Attributes:
        job_key: The job.
        attempt: Its newest attempt.
        step: What is to be done.
    """

    job_key: str
    attempt: Attempt
    step: Follow | Reconcile


@flow(name="sweep", flow_run_name="sweep", persist_result=False)
@cancellable
async def sweep(options: RunOptions | None = None) -> State[BatchReport]:
    """Finishes every job the journal shows as paid for and not settled, the closest to expiry first.

    Runs from any machine that sees the journal. A job whose own run is alive on this machine is left to it.

    Args:
        options: What this run sets for itself; the rest comes from the environment.

    Returns:
        Completed when nothing is left unfinished, Failed otherwise; either carries the report.
    """
    async with open_run(options or RunOptions()) as run:
        left, unreadable = await left_unfinished(run)
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(job: Left) -> JobReport:
            try:
                return await _finish_and_report(run, job, turns)
            finally:
                run.discard_scratch(job.job_key)

        told = [_report_unreadable(run, job_key, error) for job_key, error in unreadable.items()]
        reports = [*await asyncio.gather(*(one(job) for job in left)), *told]
        await renew_gallery(run, reports)
    if not reports:
        return Completed(message="nothing was left unfinished", data=BatchReport(jobs=[]))
    return verdict(BatchReport(jobs=reports))


async def left_unfinished(run: Run) -> tuple[list[Left], dict[str, JournalUnreadable]]:
    """Returns what is to be finished, the closest to expiry first, and the jobs whose records cannot be understood.

    Raises:
        StorageFailed: The journal cannot be read.
    """
    left, unreadable = [], {}
    for job_key, history in (await run.journal.histories()).items():
        if isinstance(history, JournalUnreadable):  # the results of all others must not expire because of it
            unreadable[job_key] = history
            continue
        if isinstance(history, StorageFailed):
            raise history
        step = run.step_after(history)
        if isinstance(step, Follow | Reconcile) and not _is_left_to_its_run(run, step.attempt):
            left.append(Left(job_key, step.attempt, step))
    return sorted(left, key=lambda job: job.attempt.intent.at), unreadable


def _report_unreadable(run: Run, job_key: str, error: JournalUnreadable) -> JobReport:
    """Reports a job of which nothing but its key is known."""
    stopped = storage_stopped(error, None)
    run.progress.tell(Step(job_key, job_key[:8], Stage.FAILED, message=str(stopped)))
    provider = run.settings.provider
    return JobReport(
        name=job_key[:8],
        job_key=job_key,
        state=stopped.state,
        provider=provider,
        model=DEFAULT_MODELS[provider],
        cost=UNKNOWN_COST,
        error=stopped.error,
    )


async def _finish_and_report(run: Run, job: Left, turns: asyncio.Semaphore) -> JobReport:
    intent = job.attempt.intent
    run.progress.tell(Step(job.job_key, intent.name, Stage.WAITING, intent.estimate))
    try:
        await _finish(run, job, turns)
        history = await run.journal.history(job.job_key)
        settled, stopped = history.of_attempt(job.attempt.number).settled, None
        state = JobState(settled.state) if settled else history.state(run.clock.now())
    except EditStopped as error:
        settled, stopped, state = None, error, error.state
    except Exception as error:
        settled, stopped = None, await stopped_by(run, job.job_key, error)
        state = stopped.state
    if stopped is None and settled is not None and settled.state == "expired":
        stopped = expired((await run.provider_task_id(job.job_key)) or "")
    cost = settled.cost if settled and settled.cost else intent.estimate
    stage = {JobState.PUBLISHED: Stage.DONE, JobState.HELD: Stage.HELD}.get(state, Stage.FAILED)
    run.progress.tell(Step(job.job_key, intent.name, stage, cost, str(stopped) if stopped else None))
    return JobReport(
        name=intent.name,
        job_key=job.job_key,
        state=state,
        provider=intent.endpoint.provider,
        model=intent.endpoint.model,
        provider_task_id=await run.provider_task_id(job.job_key),
        result=settled.result if settled else None,
        sidecar=settled.sidecar if settled else None,
        cost=cost,
        notes=settled.notes if settled else [],
        error=stopped.error if stopped else None,
        seconds=run.progress.seconds_of(job.job_key),
    )


async def _finish(run: Run, job: Left, turns: asyncio.Semaphore) -> None:
    attempt: Attempt | None = job.attempt
    if isinstance(job.step, Reconcile):
        await find_out(run, job.attempt)
        step = await run.next_step(job.job_key)
        attempt = step.attempt if isinstance(step, Follow) else None
    if attempt is None or attempt.submitted is None:
        return
    async with turns:
        _warn_when_expiring(run, attempt)
        over = await poll(run, attempt)
        await persist(run, attempt.intent.name, attempt, over)


def _is_left_to_its_run(run: Run, attempt: Attempt) -> bool:
    """Whether a job's own run still works on it.

    The process of a run that died may have passed its number on to another: what expires soon is fetched whoever
    seems to be at it. The journal keeps two from settling it.
    """
    return run.is_alive_here(attempt) and _seconds_left(run, attempt) > EXPIRING_SECONDS


def _seconds_left(run: Run, attempt: Attempt) -> float:
    """Returns for how many provider seconds the provider keeps what came of an attempt."""
    return VALIDITY_SECONDS - run.clock.provider_seconds_since((attempt.submitted or attempt.intent).at)


def _warn_when_expiring(run: Run, attempt: Attempt) -> None:
    """Emits ``recut.result.expiring`` for a provider task whose result is soon deleted."""
    assert attempt.submitted is not None
    left = _seconds_left(run, attempt)
    if 0 < left < EXPIRING_SECONDS:
        emit_event(
            event="recut.result.expiring",
            resource={
                "prefect.resource.id": f"recut.job.{attempt.intent.job_key}",
                "prefect.resource.name": attempt.intent.name,
            },
            payload={
                "provider_task_id": attempt.submitted.provider_task_id,
                "provider": attempt.intent.endpoint.provider,
                "model": attempt.intent.endpoint.model,
                "seconds_left": round(left),
            },
        )
