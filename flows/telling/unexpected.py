"""Turns any error of a job into what it means for the money, by asking the journal what stands."""

import traceback

from blocks.clients.store import StorageFailed
from blocks.clients.transport import CallFailed
from flows.admission.limits import LimitsUnreachable
from flows.planning.sources import MediumUnavailable
from flows.rules.failures import Cause, Failure
from flows.rules.states import JobState
from flows.running.run import Run
from flows.telling.outcomes import EditStopped, create_refused, runs_on, storage_stopped, unanswered
from flows.telling.reports import ReportedError


async def stopped_by(run: Run, job_key: str, error: Exception) -> EditStopped:
    """Returns how a job stands after an error that no stage expected to be the end."""
    try:
        last = (await run.journal.history(job_key)).last
    except StorageFailed as unreadable:
        return storage_stopped(unreadable, None)
    provider_task_id = last.submitted.provider_task_id if last and last.submitted and not last.settled else None
    if last is not None and last.is_unanswered and not last.decided:
        failure = error.failure if isinstance(error, CallFailed) else _failure(error)
        return unanswered(failure, "what became of it could not be found out now")
    if isinstance(error, StorageFailed):
        return storage_stopped(error, provider_task_id)
    if provider_task_id is not None:
        return runs_on(provider_task_id, f"it could not be finished now ({_said(error)})")
    if isinstance(error, CallFailed):
        return create_refused(error.failure)
    if isinstance(error, MediumUnavailable):
        told = ReportedError(
            code="MediumUnavailable", message=f"{error.reason}; nothing was created", advice=error.advice
        )
        return EditStopped(JobState.FAILED, told)
    if isinstance(error, LimitsUnreachable):
        told = ReportedError(
            code="LimitsUnreachable",
            message=f"{error}; without its word nothing is created, and nothing was created for this job",
            advice="see to the server and run the same command again, or set RECUT_LIMITS=machine where no other "
            "machine uses the account",
        )
        return EditStopped(JobState.FAILED, told)
    told = ReportedError(
        code=type(error).__name__,
        message=f"recut itself failed: {_said(error)}; what was asked of the provider by then is in the journal, "
        "and is not created twice",
        advice="run the same command again; if it fails again, report it",
    )
    return EditStopped(JobState.FAILED, told)


def _failure(error: Exception) -> Failure:
    return Failure(cause=Cause.NO_ANSWER, code=type(error).__name__, message=str(error))


def _said(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    place = f" at {where.name}:{where.lineno}" if where and not isinstance(error, CallFailed) else ""
    return f"{type(error).__name__}: {error}{place}"
