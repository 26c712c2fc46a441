"""APIYI's dialect: DashScope's create under `/wan`, its own flat poll under `/v1/tasks`."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from deployments.emulator import answers
from deployments.emulator.catalog import RULES
from deployments.emulator.creating import create
from deployments.emulator.errors import (
    APIYI_NO_CHANNEL,
    APIYI_NO_KEY,
    APIYI_NOT_ASYNC,
    APIYI_WRONG_KEY,
    ApiyiBody,
    RefusedError,
)
from deployments.emulator.faults import Report
from deployments.emulator.front import Call, counter
from deployments.emulator.links import result_link
from deployments.emulator.tasks import View, misreported, poll, unknown

_STATUSES = {
    "PENDING": "submitted",
    "RUNNING": "in_progress",
    "SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELED": "failed",
}
_EARLY = 0.1  # share of a run for which progress says 10; it then stands at 30 until the end


async def _create(call: Call) -> Response:
    account = _account(call)
    if call.document is None:
        raise RefusedError(ApiyiBody.malformed)
    if call.model is None:
        raise RefusedError(ApiyiBody.missing("model"))
    rules = RULES.get(("apiyi", call.model))
    if rules is None:
        raise RefusedError(APIYI_NO_CHANNEL)
    if call.request.headers.get("x-dashscope-async", "").lower() != "enable":
        raise RefusedError(APIYI_NOT_ASYNC)
    task = await create(call, rules, account)
    output = {"task_id": task.provider_task_id, "task_status": "PENDING"}
    return _answer(call, {"output": output, "request_id": call.request_id})


async def _get(call: Call) -> Response:
    account = _account(call)
    now = call.world.clock.now()
    call.world.books.admit("get", "apiyi", account, "", now)
    assert call.task_id is not None
    task = call.world.books.find(call.task_id, "apiyi", account, now)
    if task is not None:
        call.world.books.admit_poll(task, now)
    seen = poll(task, now) if task else unknown(call.task_id)
    for effect in call.effects:
        if isinstance(effect, Report):
            seen = misreported(seen, effect)
    return _answer(call, _document(call, seen))


def _document(call: Call, seen: View) -> dict[str, Any]:
    """A poll's answer."""
    document: dict[str, Any] = {
        "status": _STATUSES.get(seen.status, seen.status),
        "progress": _progress(seen),
        "task_id": seen.provider_task_id,
    }
    if seen.result:
        document["result_url"] = result_link(call, seen.result)
    if document["status"] == "failed" and seen.code:
        reason = f"[{seen.code}] {seen.message}"
        if call.world.config.apiyi_failure_key == "error":
            document["error"] = {"message": reason}
        else:
            document["fail_reason"] = reason
    return document


def _progress(seen: View) -> int:
    """APIYI knows only these four numbers."""
    if seen.status in ("PENDING", "UNKNOWN"):
        return 0
    if seen.ended_at is not None:
        return 100
    return 10 if seen.progress < _EARLY else 30


def _account(call: Call) -> str:
    """The asking account's alias.

    Raises:
        RefusedError: No key or a wrong key.
    """
    scheme, _, key = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise RefusedError(APIYI_NO_KEY)
    account = call.world.keys.account("apiyi", key.strip())
    if account is None:
        raise RefusedError(APIYI_WRONG_KEY)
    return account


def _answer(call: Call, document: dict[str, Any]) -> Response:
    return answers.apiyi(document, call.request, call.request_id, call.world.config.apiyi_mislabels_gzip)


ROUTES = [
    Route(
        "/wan/api/v1/services/aigc/video-generation/video-synthesis",
        counter("create", "apiyi", _create),
        methods=["POST"],
    ),
    Route("/v1/tasks/{task_id}", counter("get", "apiyi", _get)),
]
"""APIYI's addresses."""
