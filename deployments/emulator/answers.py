"""The three envelopes: DashScope's JSON, APIYI's JSON, OSS's XML; each with its vendor's headers."""

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from deployments.emulator.clock import milliseconds
from deployments.emulator.errors import ErrorText


def dashscope(document: Mapping[str, Any], request_id: str, now: float, status: int = 200) -> Response:
    """A DashScope answer; `document` is the body without the request id, `now` provider time."""
    return Response(
        _json({**document, "request_id": request_id}),
        status,
        {
            "content-type": "application/json;charset=UTF-8",
            "X-Request-ID": request_id,
            "x-dashscope-call-gateway": "true",
            "req-arrive-time": str(milliseconds(now)),
            "resp-start-time": str(milliseconds(now)),
            "req-cost-time": "0",
            "server": "istio-envoy",
        },
    )


def dashscope_error(text: ErrorText, request_id: str, now: float) -> Response:
    """A DashScope refusal."""
    return dashscope({"code": text.code, "message": text.message}, request_id, now, text.status)


def apiyi(
    document: Mapping[str, Any], request: Request, request_id: str, mislabel: bool, status: int = 200
) -> Response:
    """An APIYI answer.

    Args:
        document: The body.
        request: Decides, by its Accept-Encoding, whether the gateway's label is wrong.
        request_id: The upstream vendor's id of the request.
        mislabel: Whether plain bodies are labelled gzip at all.
        status: HTTP status.
    """
    headers = {
        "content-type": "application/json",
        "X-Request-Id": request_id,
        "X-Shellapi-Request-Id": f"shell-{request_id[:13]}",
    }
    if mislabel and request.headers.get("accept-encoding", "").strip().lower() != "identity":
        headers["content-encoding"] = "gzip"
    return Response(_json(document), status, headers)


def apiyi_error(text: ErrorText, request: Request, request_id: str, mislabel: bool) -> Response:
    """An APIYI refusal."""
    document = {"error": {"message": text.message, "type": text.kind, "code": text.code}}
    return apiyi(document, request, request_id, mislabel, text.status)


def oss_error(text: ErrorText, request: Request, request_id: str) -> Response:
    """An OSS refusal."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n'
        f"  <Code>{escape(text.code)}</Code>\n"
        f"  <Message>{escape(text.message)}</Message>\n"
        f"  <RequestId>{request_id}</RequestId>\n"
        f"  <HostId>{escape(request.url.netloc)}</HostId>\n"
        "</Error>\n"
    )
    return Response(
        body,
        text.status,
        {"content-type": "application/xml", "x-oss-request-id": request_id, "server": "AliyunOSS"},
    )


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
