"""The temporary store's form upload: OSS's PostObject with a policy that is really enforced.

Rules: https://www.alibabacloud.com/help/en/oss/developer-reference/postobject
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import Response
from starlette.routing import Route

from deployments.emulator.errors import ErrorText, RefusedError
from deployments.emulator.front import Call, counter
from deployments.emulator.store import UPLOAD_BUCKET, Upload

_PIECE = 1024 * 1024
_FOLDER_DEPTH = 4  # parts of a granted folder's name


async def _upload(call: Call) -> Response:
    try:
        form = await call.request.form(max_fields=50)
    except MultiPartException as error:
        raise RefusedError(_refusal(400, "MalformedPOSTRequest", error.message)) from error
    fields: dict[str, str] = {}
    file: UploadFile | None = None
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            file = value
            break  # OSS takes no notice of what follows the file
        fields[name.lower()] = value
    if file is None or file.size is None:
        raise RefusedError(_refusal(400, "InvalidArgument", "The file field must be the last one of the form."))
    store, now = call.world.store, call.world.clock.now()
    problem = _policy_problem(call, fields, file.size, now)
    if problem is not None:
        raise RefusedError(problem)
    key = fields["key"].replace("${filename}", file.filename or "")
    grant = store.grants.get("/".join(key.split("/")[:_FOLDER_DEPTH]))
    if grant is None:
        raise RefusedError(_denied("Invalid according to Policy: Policy Condition failed: key"))
    kept = store.uploads.get(key)
    if kept is not None and kept.expires > now:
        raise RefusedError(
            _refusal(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")
        )
    path = store.new_upload_path()
    with path.open("wb") as target:
        while piece := await file.read(_PIECE):
            target.write(piece)
    store.uploads[key] = Upload(path, grant.account, grant.model, now + call.world.config.upload_seconds)
    status = fields.get("success_action_status")
    return Response(
        status_code=int(status) if status in ("200", "201") else 204,
        headers={"x-oss-request-id": call.request_id, "server": "AliyunOSS"},
    )


def _policy_problem(call: Call, fields: Mapping[str, str], size: int, now: float) -> ErrorText | None:
    """What is wrong with a form, judged by the policy it carries."""
    for name in ("key", "policy", "signature", "ossaccesskeyid"):
        if not fields.get(name):
            return _refusal(400, "InvalidArgument", f"The form must contain the field {name}.")
    signer = call.world.signer
    if fields["ossaccesskeyid"] != signer.access_key_id:
        return _refusal(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
    if not signer.matches(fields["policy"], fields["signature"]):
        return _refusal(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )
    try:
        policy = json.loads(base64.b64decode(fields["policy"], validate=True))
    except (ValueError, binascii.Error):
        return _refusal(400, "InvalidPolicyDocument", "The content of the form does not meet the policy.")
    if datetime.fromisoformat(policy["expiration"]).timestamp() <= now:
        return _denied("Invalid according to Policy: Policy expired.")
    for condition in policy["conditions"]:
        problem = _condition_problem(condition, fields, size)
        if problem is not None:
            return problem
    return None


def _condition_problem(condition: Any, fields: Mapping[str, str], size: int) -> ErrorText | None:
    """Whether a form breaks one condition of its policy."""
    if isinstance(condition, dict):
        wanted = next(iter(condition.items()))
        # The bucket is told by the address, not by a field.
        given = {**fields, "bucket": UPLOAD_BUCKET}.get(wanted[0])
        if given != wanted[1]:
            return _denied(
                f'Invalid according to Policy: Policy Condition failed: ["eq", "${wanted[0]}", "{wanted[1]}"]'
            )
        return None
    rule, *details = condition
    if rule == "content-length-range":
        least, most = details
        if size > most:
            return _refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
        if size < least:
            return _refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size.")
        return None
    name, value = details
    given = fields.get(name.removeprefix("$"), "")
    holds = given.startswith(value) if rule == "starts-with" else given == value
    return (
        None
        if holds
        else _denied(f'Invalid according to Policy: Policy Condition failed: ["{rule}", "{name}", "{value}"]')
    )


def _denied(message: str) -> ErrorText:
    return _refusal(403, "AccessDenied", message)


def _refusal(status: int, code: str, message: str) -> ErrorText:
    return ErrorText(status, code, message)


ROUTES = [
    Route(path, counter("upload", "dashscope", _upload), methods=["POST"])
    for path in (f"/{UPLOAD_BUCKET}", f"/{UPLOAD_BUCKET}/")
]
"""The upload bucket's address, with and without a slash."""
