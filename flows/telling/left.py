"""The jobs that runs before this one left without a result, reported from the journal for people to look at."""

from collections.abc import Collection

from flows.ledger.reconcile import INTERRUPTED
from flows.rules.history import Attempt, Create, Follow, History, Over, Reconcile
from flows.rules.states import JobState
from flows.running.run import Run
from flows.telling.outcomes import (
    EditStopped,
    create_refused,
    provider_task_failed,
    runs_on,
    to_be_recreated,
    unanswered,
    without_result,
)
from flows.telling.reports import JobReport


async def left_without_result(run: Run, known: Collection[str]) -> list[JobReport]:
    """Returns how the journal's unfinished, failed and held jobs stand, the one begun last at the head.

    What a run has in hand is not told, as far as that can be known from this machine, nor what a person gave up.

    Args:
        run: The run.
        known: Keys of jobs whose result is at hand: nothing of theirs is read.

    Raises:
        StorageFailed: The journal cannot be listed.
    """
    histories = await run.unpublished.histories(known)
    begun = sorted(histories.items(), key=lambda job: (job[1].attempts[0].intent.at, job[0]), reverse=True)
    return [report for key, history in begun if (report := _report(run, key, history)) is not None]


def _report(run: Run, job_key: str, history: History) -> JobReport | None:
    stopped = None if run.is_busy_with(job_key) else _stopped(run, history)
    if stopped is None:
        return None
    newest = history.attempts[-1]
    return JobReport(
        name=newest.intent.name,
        job_key=job_key,
        state=stopped.state,
        provider=newest.intent.endpoint.provider,
        model=newest.intent.endpoint.model,
        provider_task_id=newest.submitted.provider_task_id if newest.submitted else None,
        cost=newest.intent.estimate,
        error=stopped.error,
    )


def _stopped(run: Run, history: History) -> EditStopped | None:
    """Returns why a job has no result, None where it is under way or given up."""
    match run.step_after(history):
        case Create():
            return _not_created(history.attempts[-1])
        case Follow(attempt=attempt) if attempt.submitted and not run.is_alive_here(attempt):
            return runs_on(attempt.submitted.provider_task_id, "no run is known to follow it")
        case Reconcile(attempt=attempt):
            failure = attempt.unanswered.failure if attempt.unanswered else INTERRUPTED
            return unanswered(failure, "what became of it is not known")
        case Over() as over if over.state not in (JobState.PUBLISHED, JobState.ABANDONED):
            return without_result(over)
        case _:
            return None


def _not_created(last: Attempt) -> EditStopped:
    """Says why a job stands without a provider task, though the next run creates one."""
    if last.is_wanted_again:
        return to_be_recreated()
    if last.refused:
        return create_refused(last.refused.failure)
    failure = last.settled.failure if last.settled else None
    provider_task_id = last.submitted.provider_task_id if last.submitted else ""
    return provider_task_failed(failure, provider_task_id, is_tried_again=True)
