"""The one interface both providers are used through: what goes in, what comes back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol

from blocks.clients.answers import retry_after
from blocks.clients.transport import Answer, CallFailed
from flows.rules.failures import Cause, Failure, classify
from flows.rules.job import Provider
from flows.rules.records import Endpoint
from flows.rules.states import ProviderState

#: The path both providers create on, below their own prefix.
VIDEO_SYNTHESIS = "/services/aigc/video-generation/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}
#: Provider times without an offset are China's.
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class EditRequest:
    """What a create sends: media by the address the provider fetches them from."""

    model: str
    prompt: str
    negative_prompt: str | None
    video: str
    reference_images: Sequence[str]
    parameters: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """Returns the JSON body, the same for both providers."""
        media = [{"type": "video", "url": self.video}]
        media += [{"type": "reference_image", "url": url} for url in self.reference_images]
        said: dict[str, Any] = {"prompt": self.prompt} if self.prompt else {}
        if self.negative_prompt is not None:
            said["negative_prompt"] = self.negative_prompt
        return {"model": self.model, "input": {**said, "media": media}, "parameters": dict(self.parameters)}


@dataclass(frozen=True)
class Created:
    """The provider accepted a create."""

    provider_task_id: str
    request_id: str | None


@dataclass(frozen=True)
class ProviderTask:
    """What the provider says of one provider task. Times in UTC, durations in seconds."""

    provider_task_id: str
    state: ProviderState
    result_url: str | None = None
    failure: Failure | None = None
    billed_seconds: float | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    prompt: str | None = None

    @property
    def run_seconds(self) -> float | None:
        """How long it ran; None where the provider does not tell."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds(), 3)


@dataclass(frozen=True)
class ListedTask:
    """A row of the provider's own list."""

    provider_task_id: str
    model: str
    submitted_at: datetime
    state: ProviderState
    request_id: str | None = None


class ProviderClient(Protocol):
    """A provider, as the stages see it. Every method raises `CallFailed` when no usable answer came."""

    endpoint_region: str
    base_url: str
    account: str

    async def create(self, request: EditRequest) -> Created:
        """Posts once. Any failure is told by cause; see `flows.rules.failures.create_outcome`."""

    async def get(self, provider_task_id: str) -> ProviderTask:
        """Looks at a provider task."""

    async def close(self) -> None:
        """Closes all connections."""


def endpoint(client: ProviderClient, provider: Provider, model: str) -> Endpoint:
    """Returns where a model is reached through a client, as the journal records it."""
    return Endpoint(
        provider=provider,
        model=model,
        region=client.endpoint_region,
        base_url=client.base_url,
        account=client.account,
    )


def account_alias(provider: Provider, key: str) -> str:
    """Returns a short name that tells accounts apart and gives nothing of the key away."""
    return f"{provider}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def created(answer: Answer) -> Created:
    """Reads the answer to a create, which has the same shape at both providers.

    Raises:
        CallFailed: The provider refused, or the answer holds no id: then a provider task may exist.
    """
    raise_refusal(answer)
    output = answer.body.get("output")
    provider_task_id = output.get("task_id") if isinstance(output, dict) else None
    if not isinstance(provider_task_id, str) or not provider_task_id:
        raise CallFailed(
            Failure(
                cause=Cause.NONSENSE,
                code="NoTaskId",
                message="the provider answered without the id of a provider task",
                status=answer.status,
                request_id=request_id(answer),
            )
        )
    return Created(provider_task_id, request_id(answer))


def raise_refusal(answer: Answer) -> None:
    """Raises the error an answer carries, also one that travels under a status of success.

    Raises:
        CallFailed: The answer is an error.
    """
    code, message = error_of(answer.body)
    if answer.status < 400 and not (code and "output" not in answer.body):
        return
    status = answer.status if answer.status >= 400 else None
    cause = classify(code, message, status)
    raise CallFailed(
        Failure(
            # Under success, only a code known to be a refusal is one; any other answer says nothing.
            cause=Cause.NONSENSE if status is None and cause is Cause.UNEXPLAINED else cause,
            code=code or f"HTTP {answer.status}",
            message=message,
            status=status or 400,
            request_id=request_id(answer),
            retry_after_seconds=retry_after(answer.headers),
        )
    )


def error_of(body: Mapping[str, Any]) -> tuple[str | None, str]:
    """Returns code and message of an error in any of the shapes seen: flat, nested, or a bracketed code in text."""
    nested = body.get("error")
    source = nested if isinstance(nested, dict) else body
    code = source.get("code") or source.get("type")
    message = source.get("message") or (nested if isinstance(nested, str) else None) or body.get("fail_reason") or ""
    text = str(message).strip()
    if text.startswith("[") and "]" in text:
        code, _, text = text[1:].partition("]")
    return (str(code) if code not in (None, "", 0, 200) else None), text.strip()


def request_id(answer: Answer) -> str | None:
    """Returns the provider's id of a call: from the body, else from the headers."""
    stated = answer.body.get("request_id") or answer.headers.get("x-request-id")
    return str(stated) if stated else None


def china_time(value: object) -> datetime | None:
    """Returns a provider's time (``YYYY-MM-DD HH:mm:ss.SSS``, UTC+8, or epoch milliseconds) in UTC, or None."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        if isinstance(value, str) and value:
            read = datetime.fromisoformat(value)
            return (read if read.tzinfo else read.replace(tzinfo=CHINA)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
