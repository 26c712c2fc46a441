"""The auditor's view: every accepted create with what it cost, and counters of everything asked."""

from collections import Counter, defaultdict
from typing import Literal

from pydantic import BaseModel

from deployments.emulator.books import Books
from deployments.emulator.catalog import Provider, price
from deployments.emulator.config import EmulatorConfig
from deployments.emulator.faults import Operation
from deployments.emulator.tasks import ProviderTask

Stage = Literal["received", "settled"]
"""`received`: a request has come in. `settled`: it is decided how it ends, be it an answer or none."""


class AuditEntry(BaseModel):
    """One accepted create. Instants are provider time in epoch seconds; keys never appear.

    Attributes:
        account: Alias of the account that pays.
        headers: The create's headers of interest.
        body: The create's body exactly as received.
        billed_seconds: What is charged for; 0 unless it succeeded.
        cost: Money in `currency`; 0 unless it succeeded.
        polls: How often it was looked at.
        told_over_at: When a look was first answered with its end, None before that.
        downloads: How often the result was asked for with a valid signature.
    """

    provider_task_id: str
    provider: Provider
    account: str
    model: str
    request_id: str
    prompt: str
    headers: dict[str, str]
    body: str
    status: str
    code: str
    submitted_at: float
    started_at: float | None
    ended_at: float | None
    told_over_at: float | None
    polls: int
    billed_seconds: float
    cost: float
    currency: str
    downloads: int


class OperationCount(BaseModel):
    """Requests for one operation: how many came in, and how they ended.

    `outcomes` counts by HTTP status with the provider's code (`200`, `429 Throttling.RateQuota`), and
    `reset` or `no answer` where a fault left the client without one.
    """

    received: int = 0
    outcomes: dict[str, int] = {}


class Counters(BaseModel):
    """Everything counted since the start or the last reset.

    Attributes:
        operations: By `provider operation`, for example `dashscope create`.
        statuses: Provider tasks by status.
        throttled: Answers with status 429.
        peak_running: Most provider tasks running at once, by `provider account model`.
        peak_per_second: Most admitted requests in one provider second, by `provider account operation`.
    """

    operations: dict[str, OperationCount]
    statuses: dict[str, int]
    throttled: int
    peak_running: dict[str, int]
    peak_per_second: dict[str, int]


class Tally:
    """Counts requests as they come in and as they are settled."""

    def __init__(self) -> None:
        self.received: Counter[tuple[Provider, Operation]] = Counter()
        self.outcomes: defaultdict[tuple[Provider, Operation], Counter[str]] = defaultdict(Counter)

    def count(self, operation: Operation, stage: Stage) -> int:
        """Requests for an operation at both providers that have reached a stage."""
        if stage == "received":
            return sum(number for (_, name), number in self.received.items() if name == operation)
        return sum(ends.total() for (_, name), ends in self.outcomes.items() if name == operation)


def entry(task: ProviderTask, config: EmulatorConfig) -> AuditEntry:
    """A provider task as the auditor sees it."""
    billed = billed_seconds(task, config)
    tier = task.request.resolution if task.request else task.rules.resolution
    rate = price(task.rules.provider, config.region, task.rules.model, tier)
    return AuditEntry(
        provider_task_id=task.provider_task_id,
        provider=task.rules.provider,
        account=task.account,
        model=task.rules.model,
        request_id=task.create_request_id,
        prompt=task.prompt,
        headers=task.headers,
        body=task.body,
        status=task.status,
        code=task.error.code if task.error else "",
        submitted_at=task.submitted_at,
        started_at=task.started_at,
        ended_at=task.ended_at,
        told_over_at=task.told_over_at,
        polls=task.polls,
        billed_seconds=billed,
        cost=round(billed * rate.per_second, 6),
        currency=rate.currency,
        downloads=task.downloads,
    )


def billed_seconds(task: ProviderTask, config: EmulatorConfig) -> float:
    """Seconds charged for: input and output at DashScope, output at APIYI; nothing unless it succeeded."""
    if task.status != "SUCCEEDED" or task.outcome is None:
        return 0
    billed = task.outcome.output_seconds
    if task.rules.provider == "dashscope" or config.apiyi_bills_input:
        billed += task.outcome.input_seconds
    return round(billed, 2)


def counters(tally: Tally, books: Books) -> Counters:
    """All counters as they stand."""
    return Counters(
        operations={
            f"{provider} {operation}": OperationCount(
                received=number, outcomes=dict(tally.outcomes[provider, operation])
            )
            for (provider, operation), number in tally.received.items()
        },
        statuses=dict(Counter(task.status for task in books.tasks.values())),
        throttled=sum(
            number for ends in tally.outcomes.values() for outcome, number in ends.items() if outcome.startswith("429")
        ),
        peak_running={" ".join(key): lane.peak_running for key, lane in books.lanes.items()},
        peak_per_second={" ".join(part for part in key if part): window.peak for key, window in books.windows.items()},
    )
