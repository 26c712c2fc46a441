"""Alibaba Cloud Model Studio (DashScope): create, get, list, cancel, temporary upload, quotas.

Source: alibabacloud.com/help/en/model-studio/wan-video-editing-api-reference (2026-04-03) and
help.aliyun.com/zh/model-studio: manage-asynchronous-tasks, get-temporary-file-url (2026-05-30).
"""

import io
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from blocks.clients.provider import (
    ASYNC,
    VIDEO_SYNTHESIS,
    Created,
    EditRequest,
    ListedTask,
    ProviderTask,
    account_alias,
    china_time,
    created,
    error_of,
    raise_refusal,
)
from blocks.clients.transport import CallFailed, Transport, send_form
from flows.rules.failures import Cause, Failure, classify
from flows.rules.job import Provider
from flows.rules.states import ProviderState, read_state

#: Lets a create use addresses of the temporary store.
RESOLVE_OSS = {"X-DashScope-OssResourceResolve": "enable"}
LIST_PAGE = 100
#: An account has a few hundred models at most.
MAX_QUOTA_PAGES = 10


@dataclass(frozen=True)
class Quota:
    """One model's limits as the account's own quota call states them."""

    model: str
    submits_per_second: float | None
    running: int | None
    queued: int | None


@dataclass(frozen=True)
class ListedPage:
    """A page of the provider's own list, and whether it is the last one."""

    rows: list[ListedTask]
    is_last: bool


class DashScopeClient:
    """One key in one region.

    Args:
        key: API key of that region.
        base_url: API address, ending in ``/api/v1`` as the official SDK has it.
        region: Region the address belongs to.
        workspace_id: Sub-workspace to act in on a shared host, if any.
    """

    def __init__(self, key: str, base_url: str, region: str, workspace_id: str | None = None) -> None:
        headers = {"X-DashScope-WorkSpace": workspace_id} if workspace_id else {}
        self._transport = Transport(base_url, key, headers)
        self.base_url = self._transport.base_url
        self.endpoint_region = region
        self.account = account_alias(Provider.DASHSCOPE, key)

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.close()

    async def create(self, request: EditRequest) -> Created:
        """Posts an edit, once.

        Raises:
            CallFailed: Refused, or without a usable answer.
        """
        stored = any(url.startswith("oss://") for url in (request.video, *request.reference_images))
        headers = {**ASYNC, **(RESOLVE_OSS if stored else {})}
        return created(await self._transport.create(VIDEO_SYNTHESIS, request.body(), headers))

    async def get(self, provider_task_id: str) -> ProviderTask:
        """Looks at a provider task; an id unknown or older than 24 hours is state UNKNOWN, not an error.

        Raises:
            CallFailed: No usable answer came.
        """
        answer = await self._transport.read(f"/tasks/{quote(provider_task_id, safe='')}")
        raise_refusal(answer)
        output = answer.body.get("output")
        if not isinstance(output, dict) or "task_status" not in output:
            raise CallFailed(_nonsense("the answer to a look holds no status"))
        state = read_state(output["task_status"])
        stated = answer.body.get("usage")
        usage = stated if isinstance(stated, dict) else {}
        return ProviderTask(
            provider_task_id=provider_task_id,
            state=state,
            result_url=output.get("video_url") or None,
            failure=_failure(output, answer.body) if state is ProviderState.FAILED else None,
            billed_seconds=_number(usage.get("duration")),
            usage=usage,
            submitted_at=china_time(output.get("submit_time")),
            started_at=china_time(output.get("scheduled_time")),
            ended_at=china_time(output.get("end_time")),
            prompt=output.get("orig_prompt"),
        )

    async def list_page(self, model: str, number: int) -> ListedPage:
        """Returns a page of the account's provider tasks of a model that were submitted in the last 24 hours.

        The provider counts these hours by its own clock, so a wrong one here changes nothing.

        Args:
            model: The model.
            number: Which page, from 1 on. A row that appears meanwhile may shift others to the next page.

        Raises:
            CallFailed: No usable answer came; nothing may be concluded.
        """
        answer = await self._transport.read("/tasks", {"model_name": model, "page_size": LIST_PAGE, "page_no": number})
        raise_refusal(answer)
        data = answer.body.get("data")
        if not isinstance(data, list):
            raise CallFailed(_nonsense("the list of provider tasks holds no data"))
        pages = answer.body.get("total_page")
        return ListedPage([_listed(item) for item in data], not data or (isinstance(pages, int) and number >= pages))

    async def cancel(self, provider_task_id: str) -> bool:
        """Cancels a provider task that still queues; returns False when it runs or is over, and so is billed.

        Raises:
            CallFailed: No usable answer came.
        """
        try:
            raise_refusal(await self._transport.post(f"/tasks/{quote(provider_task_id, safe='')}/cancel"))
        except CallFailed as error:
            if error.failure.code == "UnsupportedOperation":
                return False
            raise
        return True

    async def upload(self, model: str, suffix: str, content: BinaryIO) -> str:
        """Stores a file for 48 hours where this model can read it, and returns its ``oss://`` address.

        Every file gets its own policy and a random name, so that equal names never meet.

        Args:
            model: The model that will read it; another one cannot.
            suffix: File ending, such as ``.mp4``.
            content: The file, sent as it is read; it must not change meanwhile.

        Raises:
            CallFailed: It was not stored.
        """
        answer = await self._transport.read("/uploads", {"action": "getPolicy", "model": model})
        raise_refusal(answer)
        policy = answer.body.get("data")
        if not isinstance(policy, dict) or "upload_host" not in policy or "upload_dir" not in policy:
            raise CallFailed(_nonsense("the upload policy is incomplete"))
        limit = _number(policy.get("max_file_size_mb"))
        size = content.seek(0, io.SEEK_END)
        if limit is not None and size > limit * 1024 * 1024:
            text = f"{size / 1048576:.1f} MB are more than the {limit:.0f} MB its temporary store takes"
            raise CallFailed(Failure(cause=Cause.INVALID, code="FileTooLarge", message=text, status=400))
        key = f"{policy['upload_dir']}/{uuid.uuid4().hex}{suffix}"
        fields = {
            "OSSAccessKeyId": policy.get("oss_access_key_id"),
            "Signature": policy.get("signature"),
            "policy": policy.get("policy"),
            "x-oss-object-acl": policy.get("x_oss_object_acl"),
            "x-oss-forbid-overwrite": policy.get("x_oss_forbid_overwrite"),
            "key": key,
            "success_action_status": "200",
        }
        form = {name: str(value) for name, value in fields.items() if value is not None}
        status, text = await send_form(str(policy["upload_host"]), form, key.rpartition("/")[2], content)
        if status not in (200, 201, 204):
            raise CallFailed(_store_refusal(status, text))
        return f"oss://{key}"

    async def quotas(self) -> list[Quota]:
        """Returns the account's own limits; also shows, at no cost, whether the key is accepted.

        Raises:
            CallFailed: No usable answer came.
        """
        quotas: list[Quota] = []
        for page in range(1, MAX_QUOTA_PAGES + 1):
            answer = await self._transport.read("/models/limits", {"page_no": page, "page_size": LIST_PAGE})
            raise_refusal(answer)
            output = answer.body.get("output")
            rows = output.get("quotas") if isinstance(output, dict) else None
            quotas += [_quota(row) for row in rows or [] if isinstance(row, dict)]
            if not rows or len(rows) < LIST_PAGE:
                break
        return quotas


def _failure(output: Mapping[str, Any], body: Mapping[str, Any]) -> Failure:
    code, message = error_of(output)
    return Failure(
        cause=classify(code, message),
        code=code or "NoReason",
        message=message or "the provider gave no reason",
        request_id=str(body["request_id"]) if body.get("request_id") else None,
    )


def _listed(item: object) -> ListedTask:
    submitted_at = china_time(item.get("gmt_create") or item.get("start_time")) if isinstance(item, dict) else None
    if not isinstance(item, dict) or submitted_at is None or not item.get("task_id"):
        raise CallFailed(_nonsense("a row of the list of provider tasks is incomplete"))
    return ListedTask(
        provider_task_id=str(item["task_id"]),
        model=str(item.get("model_name", "")),
        submitted_at=submitted_at,
        state=read_state(item.get("status")),
        request_id=item.get("request_id"),
    )


def _quota(row: Mapping[str, Any]) -> Quota:
    limit = row.get("model_limit") or row.get("workspace_limit") or {}
    requests, period = _number(limit.get("request_limit")), _number(limit.get("request_limit_period"))
    running, queued = _number(limit.get("async_user_concurrency_limit")), _number(limit.get("async_user_queue_limit"))
    return Quota(
        model=str(row.get("model", "")),
        submits_per_second=requests / period if requests and period else None,
        running=int(running) if running else None,
        queued=int(queued) if queued else None,
    )


def _store_refusal(status: int, text: str) -> Failure:
    def tag(name: str) -> str:
        return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]

    expired = status == 403 and "expired" in text.lower()
    return Failure(
        cause=Cause.THROTTLED if expired else classify(tag("Code") or None, tag("Message"), status),
        code=tag("Code") or f"HTTP {status}",
        message=tag("Message") or "the temporary store refused the file",
        status=status,
    )


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _nonsense(message: str) -> Failure:
    return Failure(cause=Cause.NONSENSE, code="UnreadableAnswer", message=message)
