"""How a job can stop short of a result, each said so that a person knows what it means for the money."""

from collections.abc import Sequence

from flows.rules.failures import Failure, advice, may_recreate, stops_the_account
from flows.rules.history import Over
from flows.rules.problems import Problem
from flows.rules.states import JobState
from flows.telling.reports import ReportedError

#: A job whose tries all failed is not created again by running it; another take is another job.
_ANOTHER_TAKE = "the same job is not tried any more; to try once more, raise its take"


class EditStopped(Exception):
    """A job stopped short of a result.

    Attributes:
        state: Where the job stands now.
        error: What happened, what it means for the money, and what to do.
    """

    def __init__(self, state: JobState, error: ReportedError) -> None:
        super().__init__(f"{error.message}. {error.advice}")
        self.state = state
        self.error = error


class InputRefused(Exception):
    """Some jobs cannot run as they are; nothing was uploaded or created.

    Attributes:
        refused: Per job, how it is named and what is wrong with it.
    """

    def __init__(self, refused: Sequence[tuple[str, Sequence[Problem]]]) -> None:
        lines = [f"{label}: {problem}" for label, problems in refused for problem in problems]
        super().__init__("\n".join(["refused, nothing was uploaded or created:", *lines]))
        self.refused = refused


class OverBudget(Exception):
    """The jobs would cost more than the cap allows; nothing was uploaded or created."""

    def __init__(self, reason: str, names: Sequence[str]) -> None:
        left_out = f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        super().__init__(f"{reason}; nothing was uploaded or created. Left out: {left_out}")


def over_budget(reason: str) -> EditStopped:
    """Creating the job once more could pass the cap."""
    return EditStopped(
        JobState.HELD,
        ReportedError(
            code="OverBudget",
            message=f"{reason}; an earlier try of this job may be billed, and nothing more was created",
            advice="raise --max-cost, or decide with recut resolve --abandon",
        ),
    )


def create_refused(failure: Failure) -> EditStopped:
    """The provider refused the create, or it was never sent."""
    return EditStopped(
        JobState.FAILED,
        ReportedError(
            code=failure.code,
            message=f"the provider refused it ({failure}); nothing was created and nothing is billed",
            advice=advice(failure),
            is_about_settings=stops_the_account(failure),
        ),
    )


def without_result(over: Over) -> EditStopped:
    """A job is over, and not published."""
    attempt = over.attempt
    provider_task_id = attempt.submitted.provider_task_id if attempt.submitted else ""
    match over.state:
        case JobState.EXPIRED:
            return expired(provider_task_id)
        case JobState.CANCELLED:
            return cancelled(provider_task_id)
        case JobState.ABANDONED:
            return abandoned()
        case _:
            return provider_task_failed(attempt.settled.failure if attempt.settled else None, provider_task_id)


def provider_task_failed(
    failure: Failure | None, provider_task_id: str, *, is_tried_again: bool = False
) -> EditStopped:
    """The provider task ended as FAILED.

    Args:
        failure: What the provider said.
        provider_task_id: The provider task.
        is_tried_again: Whether the next run tries the job once more.
    """
    what_next = advice(failure) if failure and not may_recreate(failure) else _ANOTHER_TAKE
    return EditStopped(
        JobState.FAILED,
        ReportedError(
            code=failure.code if failure else "Failed",
            message=f"provider task {provider_task_id} failed ({failure}); a failed one is not billed",
            advice="run the same command again: it is tried once more" if is_tried_again else what_next,
        ),
    )


def to_be_recreated() -> EditStopped:
    """It was decided to create the job again, and no run has done so yet."""
    return EditStopped(
        JobState.PLANNED,
        ReportedError(
            code="ToBeRecreated",
            message="it was decided to create it again, which no run has done yet; what its earlier create made, if "
            "anything, is billed once, and nothing else so far",
            advice="run the same command again",
        ),
    )


def unanswered(failure: Failure, why_unsure: str) -> EditStopped:
    """A create went out and it cannot be told whether a provider task runs."""
    return EditStopped(
        JobState.HELD,
        ReportedError(
            code="OutcomeUnknown",
            message=f"the create got no usable answer ({failure}) and {why_unsure}; a provider task may be running "
            "and may be billed once, so recut does not create it again by itself",
            advice="look into the provider's console, then decide with recut resolve: --adopt (the provider task you "
            "found there), --recreate or --abandon",
        ),
    )


def runs_on(provider_task_id: str, why: str) -> EditStopped:
    """A provider task could not be followed to its end, or its result not be fetched; it is all still there."""
    return EditStopped(
        JobState.RUNNING,
        ReportedError(
            code="RunsOn",
            message=f"{why}; provider task {provider_task_id} is recorded, is billed once if it succeeds, and its "
            "result stays at the provider for 24 hours",
            advice="run the same command again: it is picked up where it was, without another create",
        ),
    )


def expired(provider_task_id: str) -> EditStopped:
    """The provider deleted the result before anybody fetched it."""
    return EditStopped(
        JobState.EXPIRED,
        ReportedError(
            code="Expired",
            message=f"provider task {provider_task_id} is older than 24 hours and its result is gone at the provider; "
            "what it cost is lost",
            advice="to pay for another result, raise the job's take",
        ),
    )


def cancelled(provider_task_id: str) -> EditStopped:
    """The provider task was cancelled before it ran."""
    return EditStopped(
        JobState.CANCELLED,
        ReportedError(
            code="Cancelled",
            message=f"provider task {provider_task_id} was cancelled before it ran; nothing is billed",
            advice="to run it after all, raise the job's take",
        ),
    )


def abandoned() -> EditStopped:
    """A person gave the job up."""
    return EditStopped(
        JobState.ABANDONED,
        ReportedError(
            code="Abandoned",
            message="a person decided to give this job up; nothing more is created or fetched for it",
            advice="to run it after all, raise the job's take",
        ),
    )


def result_gone(address: str) -> EditStopped:
    """A published result is no longer where it was put."""
    return EditStopped(
        JobState.FAILED,
        ReportedError(
            code="ResultGone",
            message=f"this job was paid for and published as {address}, which is no longer there; "
            "nothing was created again",
            advice="put the file back, or raise the job's take to pay for another result",
        ),
    )


def unrecorded(error: Exception, provider_task_id: str) -> EditStopped:
    """The provider accepted a create, and storage would not take its id."""
    return EditStopped(
        JobState.HELD,
        ReportedError(
            code="NotRecorded",
            message=f"{error}; provider task {provider_task_id} was created and is billed once if it succeeds, but its "
            "id could not be recorded",
            advice="keep the id, mend the storage and run the same command again: recut looks for it "
            "before anything else",
        ),
    )


def storage_stopped(error: Exception, provider_task_id: str | None) -> EditStopped:
    """Storage did not do its part."""
    money = (
        f"provider task {provider_task_id} is recorded, is billed once if it succeeds, and its result stays at the "
        "provider for 24 hours"
        if provider_task_id
        else "nothing was created now"
    )
    return EditStopped(
        JobState.RUNNING if provider_task_id else JobState.FAILED,
        ReportedError(
            code="StorageFailed",
            message=f"{error}; {money}",
            advice="mend the storage and run the same command again",
        ),
    )
