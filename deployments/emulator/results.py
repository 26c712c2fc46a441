"""Signed downloads of results, as OSS serves them."""

import hashlib
from email.utils import formatdate

from starlette.datastructures import URL
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from deployments.emulator.errors import ErrorText, RefusedError
from deployments.emulator.faults import File
from deployments.emulator.front import Call, counter
from deployments.emulator.misbehave import Cut, Slow
from deployments.emulator.signing import download_text
from deployments.emulator.spoil import half_as_long
from deployments.emulator.store import OTHER_RESULT_BUCKET, RESULT_BUCKETS, StoredResult

_EXPIRED = ErrorText(403, "AccessDenied", "Request has expired.")
_TWO_SIGNATURES = ErrorText(
    400,
    "InvalidArgument",
    "The header and the URL request parameter cannot include a signature in a request at the same time.",
)
_WRONG_SIGNATURE = ErrorText(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
)
_UNSIGNED = ErrorText(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
#: Bytes that no container format begins with.
_NOISE = hashlib.sha256(b"not a video").digest() * 512
_NO_OBJECT = ErrorText(404, "NoSuchKey", "The specified key does not exist.")


async def _download(call: Call) -> Response:
    request, world = call.request, call.world
    asked = request.query_params
    if "Signature" not in asked or "Expires" not in asked:
        raise RefusedError(_UNSIGNED)
    if "authorization" in request.headers:
        raise RefusedError(_TWO_SIGNATURES)
    path = request.url.path
    signed = download_text(request.method, path, asked["Expires"])
    if asked.get("OSSAccessKeyId") != world.signer.access_key_id or not world.signer.matches(
        signed, asked["Signature"]
    ):
        raise RefusedError(_WRONG_SIGNATURE)
    if int(asked["Expires"]) <= world.clock.now():
        raise RefusedError(_EXPIRED)
    kept = world.store.results.get(path.removeprefix("/"))
    if kept is None:
        raise RefusedError(_NO_OBJECT)
    task = world.books.tasks.get(kept.provider_task_id)
    if task is not None:
        task.downloads += 1
    headers = {
        "content-type": "video/mp4",
        "etag": kept.etag,
        "last-modified": formatdate(kept.written, usegmt=True),
        "x-oss-hash-crc64ecma": str(kept.crc),
        "x-oss-object-type": "Normal",
        "x-oss-request-id": call.request_id,
        "x-oss-server-time": "1",
        "server": "AliyunOSS",
    }
    for effect in call.effects:
        if isinstance(effect, File):
            return _spoilt(call, effect, kept, headers)
    return FileResponse(kept.path, headers=headers, media_type="video/mp4")


def _spoilt(call: Call, fault: File, kept: StoredResult, headers: dict[str, str]) -> Response:
    """A download with one thing wrong about it."""
    video = kept.path.read_bytes()
    if fault.how == "truncated":
        return Cut(video, headers, len(video) // 2)
    if fault.how == "short_length":
        return Response(video[: len(video) // 2], 200, headers)
    if fault.how == "slow":
        return Slow(video, {**headers, "content-length": str(len(video))}, call.world.clock, fault.seconds)
    if fault.how == "redirect":
        return RedirectResponse(_elsewhere(call.request.url, fault.to), 302)
    if fault.how == "expired":
        return call.error(_EXPIRED)
    if fault.how == "xml":
        refusal = call.error(ErrorText(200, "InternalError", "We encountered an internal error."))
        return Response(refusal.body, 200, {"content-type": "application/xml"})
    if fault.how == "html":
        return Response("<html><body>Sign in to the network</body></html>", 200, {"content-type": "text/html"})
    if fault.how == "wrong_crc":
        return Response(video, 200, {**headers, "x-oss-hash-crc64ecma": str(kept.crc ^ 1)})
    body = {
        "empty": b"",
        "not_video": _NOISE,
        "wrong_duration": half_as_long(kept.path) if fault.how == "wrong_duration" else b"",
    }[fault.how]
    # These bodies are what lies in the bucket: nothing announces the difference.
    plain = {name: value for name, value in headers.items() if name not in ("etag", "x-oss-hash-crc64ecma")}
    return Response(body, 200, plain)


def _elsewhere(url: URL, to: str | None) -> str:
    """The same path and query at another host."""
    other = "127.0.0.1" if url.hostname == "localhost" else "localhost"
    return f"{to or f'http://{other}:{url.port}'}{url.path}?{url.query}"


ROUTES = [
    Route(f"/{bucket}/{{key:path}}", counter("result", "dashscope", _download), methods=["GET", "HEAD"])
    for bucket in (*RESULT_BUCKETS.values(), OTHER_RESULT_BUCKET)
]
"""The result buckets' addresses."""
