"""One provider task: what was asked, what has become of it, and how a poll sees it."""

from dataclasses import dataclass, field, replace
from typing import Literal

from deployments.emulator.catalog import ModelRules
from deployments.emulator.errors import ErrorText
from deployments.emulator.faults import Fate, Report
from deployments.emulator.request import Customer, EditRequest

Status = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]


@dataclass(frozen=True)
class Outcome:
    """How the work on a provider task came out.

    Attributes:
        at: When that was known, in provider time (epoch seconds).
        error: Why it failed, or None.
        result: Path of the result in the result store (bucket and key), when it succeeded.
        input_seconds: Length of the clip.
        output_seconds: Length of the result.
    """

    at: float
    error: ErrorText | None = None
    result: str = ""
    input_seconds: float = 0
    output_seconds: float = 0


@dataclass
class ProviderTask:
    """A provider task with its whole life. Instants are provider time in epoch seconds.

    Attributes:
        customer: The account that pays, and how it asked.
        create_request_id: The request id that the create was answered with.
        body: The create's body exactly as received.
        headers: The create's headers of interest, never the key.
        request: What was asked, or None when the body is wrong and that is found only at run time.
        refusal: What is wrong with the body, when that is found only at run time.
        run_seconds: How long it runs once started.
        fate: An ending that a fault laid down.
        polls: How often it was looked at.
        told_over_at: When a look was first answered with its end.
    """

    provider_task_id: str
    rules: ModelRules
    customer: Customer
    create_request_id: str
    body: str
    headers: dict[str, str]
    prompt: str
    request: EditRequest | None
    refusal: ErrorText | None
    run_seconds: float
    submitted_at: float
    fate: Fate | None = None
    status: Status = "PENDING"
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None
    error: ErrorText | None = None
    downloads: int = 0
    polls: int = 0
    told_over_at: float | None = None
    last_poll: float | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """Alias of the account that pays."""
        return self.customer.account


@dataclass(frozen=True)
class View:
    """What a poll shows of a provider task. `status` may be any word when a fault says so."""

    provider_task_id: str
    status: str
    prompt: str = ""
    resolution: str = ""
    submitted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    progress: float = 0
    result: str = ""
    input_seconds: float = 0
    output_seconds: float = 0
    code: str = ""
    message: str = ""


def poll(task: ProviderTask, now: float) -> View:
    """A provider task as a poll shows it; the poll is counted.

    Args:
        task: The provider task.
        now: Provider time; decides the share of the run that has passed.
    """
    task.polls += 1
    if task.ended_at is not None and task.told_over_at is None:
        task.told_over_at = now
    progress = 0.0
    if task.started_at is not None:
        progress = (now - task.started_at) / task.run_seconds if task.run_seconds else 1
    done = task.outcome if task.status == "SUCCEEDED" else None
    return View(
        provider_task_id=task.provider_task_id,
        status=task.status,
        prompt=task.prompt,
        resolution=task.request.resolution if task.request else "",
        submitted_at=task.submitted_at,
        started_at=task.started_at,
        ended_at=task.ended_at,
        progress=progress,
        result=done.result if done else "",
        input_seconds=done.input_seconds if done else 0,
        output_seconds=done.output_seconds if done else 0,
        code=task.error.code if task.error else "",
        message=task.error.message if task.error else "",
    )


def unknown(provider_task_id: str) -> View:
    """What a poll shows of an id that does not exist, has expired or is another account's."""
    return View(provider_task_id=provider_task_id, status="UNKNOWN")


def misreported(seen: View, report: Report) -> View:
    """The view with a fault's lie in it; times and results that do not fit the word are left out."""
    if report.status == "UNKNOWN":
        return unknown(seen.provider_task_id)
    if report.status is not None:
        ended = report.status in ("SUCCEEDED", "FAILED", "CANCELED")
        seen = replace(
            seen,
            status=report.status,
            code=report.code,
            message=report.message,
            started_at=None if report.status == "PENDING" else seen.started_at,
            ended_at=seen.ended_at if ended else None,
            result=seen.result if report.status == "SUCCEEDED" else "",
        )
    return replace(seen, result="") if report.without_url else seen
