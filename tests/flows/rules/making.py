"""Journal records for tests, complete and unremarkable but for what a test says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flows.rules.budget import Cost
from flows.rules.failures import Cause, Failure
from flows.rules.job import WAN, EditJob, Provider
from flows.rules.records import Decided, Endpoint, Intent, Refused, Settled, Submitted, Unanswered, Writer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWNED = timedelta(seconds=90)
WRITER = Writer(host="here", process=1)
ENDPOINT = Endpoint(
    provider=Provider.DASHSCOPE,
    model=WAN,
    region="ap-southeast-1",
    base_url="https://dashscope-intl.aliyuncs.com/api/v1",
    account="dashscope-1",
)


def intent(attempt: int = 1, *, prompt: str = "make it clay", at: datetime = NOON, job_key: str = "k" * 32) -> Intent:
    return Intent(
        attempt=attempt,
        at=at,
        by=WRITER,
        job_key=job_key,
        name="clip",
        job=EditJob(video="clip.mp4", prompt=prompt),
        endpoint=ENDPOINT,
        parameters={"resolution": "720P"},
        media={"clip.mp4": "sha256:1"},
        clip_seconds=5,
        estimate=Cost(amount=Decimal("7.3392"), currency="CNY"),
        not_after=at + OWNED,
    )


def failure(cause: Cause = Cause.THROTTLED) -> Failure:
    return Failure(cause=cause, code=cause.name, message="")


def submitted(attempt: int = 1) -> Submitted:
    return Submitted(**_by(attempt), provider_task_id=f"task-{attempt}")


def refused(attempt: int = 1) -> Refused:
    return Refused(**_by(attempt), failure=failure())


def unanswered(attempt: int = 1) -> Unanswered:
    return Unanswered(**_by(attempt), failure=failure(Cause.NO_ANSWER))


def decided(attempt: int = 1, decision: str = "recreate") -> Decided:
    return Decided(**_by(attempt), decision=decision, reason="a person said so")


def settled(attempt: int = 1, state: str = "published", cause: Cause | None = None) -> Settled:
    return Settled(**_by(attempt), state=state, failure=failure(cause) if cause else None)


def _by(attempt: int) -> dict[str, Any]:
    return {"attempt": attempt, "at": NOON, "by": WRITER}
