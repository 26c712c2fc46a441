"""APIYI's gateway: creates like DashScope under its own prefix, polls in a flat form of its own.

Source: docs.apiyi.com/en/api-capabilities/happyhorse/video-edit and the overview's async flow (2026-11-20).
It offers no list, no cancel and no upload to plain keys.
"""

from urllib.parse import quote

from blocks.clients.provider import (
    ASYNC,
    VIDEO_SYNTHESIS,
    Created,
    EditRequest,
    ProviderTask,
    account_alias,
    created,
    error_of,
    raise_refusal,
)
from blocks.clients.transport import CallFailed, Transport
from flows.rules.catalog import GATEWAY
from flows.rules.failures import Cause, Failure, classify
from flows.rules.job import Provider
from flows.rules.states import ProviderState, read_state


class ApiyiClient:
    """One key at the gateway.

    Args:
        key: API key (``sk-…``), pay-as-you-go, of a group that includes Wan and HappyHorse.
        base_url: Scheme and host of the gateway.
    """

    def __init__(self, key: str, base_url: str) -> None:
        # The gateway labels plain bodies as gzip unless asked for none.
        self._transport = Transport(base_url, key, {"Accept-Encoding": "identity"})
        self.base_url = self._transport.base_url
        self.endpoint_region = GATEWAY
        self.account = account_alias(Provider.APIYI, key)

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.close()

    async def create(self, request: EditRequest) -> Created:
        """Posts an edit, once.

        Raises:
            CallFailed: Refused, or without a usable answer.
        """
        return created(await self._transport.create(f"/wan/api/v1{VIDEO_SYNTHESIS}", request.body(), ASYNC))

    async def get(self, provider_task_id: str) -> ProviderTask:
        """Looks at a provider task; an id older than 24 hours is state UNKNOWN, not an error.

        Raises:
            CallFailed: No usable answer came.
        """
        answer = await self._transport.read(f"/v1/tasks/{quote(provider_task_id, safe='')}")
        body = answer.body
        if answer.status >= 400 or "status" not in body:
            raise_refusal(answer)
            text = "the answer to a look holds no status"
            raise CallFailed(Failure(cause=Cause.NONSENSE, code="UnreadableAnswer", message=text))
        state = read_state(body["status"])
        return ProviderTask(
            provider_task_id=provider_task_id,
            state=state,
            result_url=body.get("result_url") or None,
            failure=_failure(body) if state is ProviderState.FAILED else None,
        )


def _failure(body: dict[str, object]) -> Failure:
    # The flat form's own "code" belongs to the envelope; the reason stands in `error` or `fail_reason`.
    code, message = error_of({name: body[name] for name in ("error", "fail_reason") if body.get(name)})
    return Failure(
        cause=classify(code, message), code=code or "NoReason", message=message or "the provider gave no reason"
    )
