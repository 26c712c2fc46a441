"""DashScope's dialect: create, query, list, cancel, upload policy and quotas under `/api/v1`."""

import base64
import json
from datetime import timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from deployments.emulator import answers
from deployments.emulator.catalog import RULES
from deployments.emulator.clock import beijing_text, iso_text, list_time, milliseconds
from deployments.emulator.creating import create
from deployments.emulator.errors import (
    MODEL_DENIED,
    MODEL_NOT_FOUND,
    MODEL_UNKNOWN,
    NO_KEY,
    NOT_ASYNC,
    NOT_PENDING,
    WRONG_KEY,
    WRONG_WORKSPACE,
    DashScopeBody,
    RefusedError,
)
from deployments.emulator.faults import Report, Rows
from deployments.emulator.front import Call, counter
from deployments.emulator.links import base_url, result_link
from deployments.emulator.store import UPLOAD_BUCKET
from deployments.emulator.tasks import ProviderTask, View, misreported, poll, unknown

_DAY = timedelta(days=1).total_seconds()
_POLICY_SECONDS = 300


async def _create(call: Call) -> Response:
    account = _account(call)
    if call.document is None:
        raise RefusedError(DashScopeBody.malformed)
    if call.model is None:
        raise RefusedError(DashScopeBody.missing("model"))
    rules = RULES.get(("dashscope", call.model))
    if rules is None:
        raise RefusedError(MODEL_UNKNOWN)
    if rules.regions and call.world.config.region not in rules.regions:
        raise RefusedError(MODEL_NOT_FOUND)
    granted = call.world.config.workspaces.get(call.request.headers.get("x-dashscope-workspace", ""))
    if granted is not None and call.model not in granted:
        raise RefusedError(MODEL_DENIED)
    if call.request.headers.get("x-dashscope-async", "").lower() != "enable":
        raise RefusedError(NOT_ASYNC)
    task = await create(call, rules, account)
    return _answer(call, {"output": {"task_status": "PENDING", "task_id": task.provider_task_id}})


async def _get(call: Call) -> Response:
    account = _account(call)
    now = call.world.clock.now()
    call.world.books.admit("get", "dashscope", account, "", now)
    assert call.task_id is not None
    task = call.world.books.find(call.task_id, "dashscope", account, now)
    seen = poll(task, now) if task else unknown(call.task_id)
    for effect in call.effects:
        if isinstance(effect, Report):
            seen = misreported(seen, effect)
    return _answer(call, _document(call, seen))


def _document(call: Call, seen: View) -> dict[str, Any]:
    """A poll's answer."""
    output: dict[str, Any] = {"task_id": seen.provider_task_id, "task_status": seen.status}
    for name, instant in (
        ("submit_time", seen.submitted_at),
        ("scheduled_time", seen.started_at),
        ("end_time", seen.ended_at),
    ):
        if instant is not None:
            output[name] = beijing_text(instant)
    if seen.status == "SUCCEEDED":
        output["orig_prompt"] = seen.prompt
        if seen.result:
            output["video_url"] = result_link(call, seen.result)
        usage = {
            "duration": round(seen.input_seconds + seen.output_seconds, 2),
            "input_video_duration": seen.input_seconds,
            "output_video_duration": seen.output_seconds,
            "video_count": 1,
            "SR": int(seen.resolution.removesuffix("P") or 0),
        }
        return {"output": output, "usage": usage}
    if seen.prompt:
        output["orig_prompt"] = seen.prompt
    if seen.status == "FAILED" and seen.code:
        output |= {"code": seen.code, "message": seen.message}
    return {"output": output}


async def _list(call: Call) -> Response:
    account = _account(call)
    now = call.world.clock.now()
    call.world.books.admit("list", "dashscope", account, "", now)
    asked = call.request.query_params
    start, end = _window(asked.get("start_time"), asked.get("end_time"), now)
    page_no, page_size = _number(asked.get("page_no"), 1), _number(asked.get("page_size"), 10)
    rows = [
        task
        for task in call.world.books.owned("dashscope", account, now)
        if start <= task.submitted_at <= end
        and asked.get("model_name") in (None, "", task.rules.model)
        and asked.get("status") in (None, "", task.status)
        and asked.get("task_id") in (None, "", task.provider_task_id)
        and asked.get("region") in (None, "", call.world.config.region)
    ]
    first = (page_no - 1) * page_size
    for effect in call.effects:
        if isinstance(effect, Rows):
            rows, first = _disturbed(rows, first, effect, now)
    return _answer(
        call,
        {
            "total": len(rows),
            "data": [_row(call, task) for task in rows[first : first + page_size]],
            "total_page": -(-len(rows) // page_size),
            "page_no": page_no,
            "page_size": page_size,
        },
    )


def _disturbed(rows: list[ProviderTask], first: int, fault: Rows, now: float) -> tuple[list[ProviderTask], int]:
    """Rows and the first one of the page, as a fault has them."""
    if fault.how == "late":
        return [task for task in rows if now - task.submitted_at >= fault.seconds], first
    if fault.how == "missing":
        return rows[fault.count :], first
    return rows, max(0, first - fault.count)


def _window(start: str | None, end: str | None, now: float) -> tuple[float, float]:
    """The instants a list covers: at most 24 hours, by default the last 24."""
    try:
        last = list_time(end) if end else (list_time(start) + _DAY if start else now)
        first = list_time(start) if start else last - _DAY
    except ValueError as error:
        raise RefusedError(
            DashScopeBody.invalid("start_time, end_time", "must have the form YYYYMMDDhhmmss")
        ) from error
    if last - first > _DAY:
        raise RefusedError(DashScopeBody.invalid("start_time, end_time", "must be within 24 hours"))
    # The texts name whole seconds: the last one counts to its end.
    return first, last + 1


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise RefusedError(DashScopeBody.invalid("page_no, page_size", "must be positive integers"))
    return int(text)


def _row(call: Call, task: ProviderTask) -> dict[str, Any]:
    """One item of a list."""
    number = sum(task.account.encode())
    row: dict[str, Any] = {
        "api_key_id": str(number),
        "caller_parent_id": f"5{number:015d}",
        "caller_uid": f"5{number:015d}",
        "gmt_create": milliseconds(task.submitted_at),
        "model_name": task.rules.model,
        "region": call.world.config.region,
        "request_id": task.create_request_id,
        "status": task.status,
        "task_id": task.provider_task_id,
        "user_api_unique_key": f"apikey:v1:aigc:video-generation:video-synthesis:{task.rules.model}",
    }
    if task.started_at is not None:
        row["start_time"] = milliseconds(task.started_at)
    if task.ended_at is not None:
        row["end_time"] = milliseconds(task.ended_at)
    return row


async def _cancel(call: Call) -> Response:
    account = _account(call)
    now = call.world.clock.now()
    call.world.books.admit("cancel", "dashscope", account, "", now)
    task = call.world.books.find(call.task_id or "", "dashscope", account, now)
    if task is None or not call.world.books.cancel(task, now):
        raise RefusedError(NOT_PENDING)
    return _answer(call, {})


async def _policy(call: Call) -> Response:
    account = _account(call)
    now = call.world.clock.now()
    if call.request.query_params.get("action") != "getPolicy":
        raise RefusedError(DashScopeBody.invalid("action", "must be getPolicy"))
    if not call.model:
        raise RefusedError(DashScopeBody.missing("model"))
    call.world.books.admit("policy", "dashscope", account, call.model, now)
    folder = call.world.store.grant(account, call.model, call.request_id, now)
    most = call.world.config.upload_megabytes
    policy = {
        "expiration": iso_text(now + _POLICY_SECONDS),
        "conditions": [
            ["content-length-range", 0, most * 1024 * 1024],
            ["starts-with", "$key", folder],
            {"bucket": UPLOAD_BUCKET},
            {"x-oss-object-acl": "private"},
            {"x-oss-forbid-overwrite": "true"},
        ],
    }
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    data = {
        "policy": encoded,
        "signature": call.world.signer.sign(encoded),
        "upload_dir": folder,
        "upload_host": f"{base_url(call)}/{UPLOAD_BUCKET}",
        "expire_in_seconds": _POLICY_SECONDS,
        "max_file_size_mb": most,
        "capacity_limit_mb": 999999999,
        "oss_access_key_id": call.world.signer.access_key_id,
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return _answer(call, {"data": data})


async def _limits(call: Call) -> Response:
    _account(call)
    asked = call.request.query_params
    page_no, page_size = _number(asked.get("page_no"), 1), _number(asked.get("page_size"), 10)
    kept = call.world.config.limits
    numbers = {
        "request_limit": kept.submits_per_second,
        "request_limit_period": 1,
        "async_user_queue_limit": kept.queue,
        "async_user_concurrency_limit": kept.running,
    }
    workspace = call.request.headers.get("x-dashscope-workspace", "llm-emulator")
    quotas = [
        {"model": model, "workspace_id": workspace, "model_limit": numbers, "workspace_limit": numbers}
        for (provider, model), rules in RULES.items()
        if provider == "dashscope" and (not rules.regions or call.world.config.region in rules.regions)
    ]
    first = (page_no - 1) * page_size
    output = {
        "total": len(quotas),
        "page_no": page_no,
        "page_size": page_size,
        "quotas": quotas[first : first + page_size],
    }
    return _answer(call, {"output": output})


def _account(call: Call) -> str:
    """The asking account's alias.

    Raises:
        RefusedError: No key, a wrong key, or a workspace that does not exist.
    """
    scheme, _, key = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise RefusedError(NO_KEY)
    account = call.world.keys.account("dashscope", key.strip())
    if account is None:
        raise RefusedError(WRONG_KEY)
    workspace = call.request.headers.get("x-dashscope-workspace")
    known = call.world.config.workspaces
    if workspace and known and workspace not in known:
        raise RefusedError(WRONG_WORKSPACE)
    return account


def _answer(call: Call, document: dict[str, Any]) -> Response:
    return answers.dashscope(document, call.request_id, call.world.clock.now())


ROUTES = [
    Route(
        "/api/v1/services/aigc/video-generation/video-synthesis",
        counter("create", "dashscope", _create),
        methods=["POST"],
    ),
    Route("/api/v1/tasks", counter("list", "dashscope", _list)),
    Route("/api/v1/tasks/", counter("list", "dashscope", _list)),
    Route("/api/v1/tasks/{task_id}", counter("get", "dashscope", _get)),
    Route("/api/v1/tasks/{task_id}/cancel", counter("cancel", "dashscope", _cancel), methods=["POST"]),
    Route("/api/v1/uploads", counter("policy", "dashscope", _policy)),
    Route("/api/v1/models/limits", counter("limits", "dashscope", _limits)),
]
"""DashScope's addresses."""
