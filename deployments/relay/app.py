"""The relay: a small web application that lets storage and providers wake flows, if they know the token."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from prefect.client.orchestration import get_client
from prefect.events.schemas.events import Event
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deployments.relay.batches import Batches
from deployments.relay.events import inbox_changed, provider_task_finished, send
from deployments.relay.notices import NotUnderstood, Told, understand

#: The longest notice of any known source: SNS, EventBridge and MNS stop at 256 KB.
MOST_BYTES: Final = 300_000
#: Seconds in which notices become one event.
PAUSE_SECONDS: Final = 1.0
SIGNATURE_HEADER: Final = "X-Recut-Signature"


class RelaySettings(BaseSettings):
    """What a relay is told by ``RECUT_RELAY_*`` variables, and which inbox it wakes.

    Attributes:
        relay_token: The secret that senders share with it.
        inbox: The inbox, such as s3://bucket/inbox; objects elsewhere wake nothing.
        relay_host: The address it listens on.
        relay_port: The port.
    """

    model_config = SettingsConfigDict(env_prefix="RECUT_", frozen=True, env_ignore_empty=True)

    relay_token: SecretStr = Field(min_length=16)
    inbox: str = ""
    relay_host: str = "127.0.0.1"
    relay_port: int = Field(default=8720, ge=0, le=65535)


def make_app(settings: RelaySettings) -> Starlette:
    """Returns the application: ``POST /`` takes notices, ``GET /health`` tells that it is there."""
    token = settings.relay_token.get_secret_value().encode()

    async def take(request: Request) -> Response:
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _refused(413, f"a notice has at most {MOST_BYTES} bytes")
        if not _knows(token, request, body):
            return _refused(401, f"send the token as Bearer or Basic password, or sign in {SIGNATURE_HEADER}")
        try:
            told = understand(body)
        except NotUnderstood as error:
            return _refused(400, str(error))
        batches: Batches = request.state.batches
        woken = [*_woken_inbox(settings.inbox, told), *map(provider_task_finished, told.provider_task_ids)]
        try:
            await batches.add(woken)
        except Exception:  # whatever Prefect's client trips over, the sender is to come again
            return _refused(503, "the Prefect server does not take events; send it again")
        return JSONResponse({"woken": [event.resource.id for event in woken]}, status_code=202)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Batches]]:
        async with get_client() as client:
            yield {"batches": Batches(lambda events: send(client, events), PAUSE_SECONDS)}

    return Starlette(routes=[Route("/", take, methods=["POST"]), Route("/health", health)], lifespan=lifespan)


async def _body(request: Request) -> bytes | None:
    """Returns the body, or None as soon as it is too long, whatever length was announced."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _knows(token: bytes, request: Request, body: bytes) -> bool:
    """Whether the sender knows the token; says so in a time that does not depend on how nearly it does."""
    scheme, _, said = request.headers.get("Authorization", "").partition(" ")
    signature = request.headers.get(SIGNATURE_HEADER, "")
    expected = f"sha256={hmac.new(token, body, hashlib.sha256).hexdigest()}"
    password = said.encode() if scheme.lower() == "bearer" else _basic_password(scheme, said)
    return hmac.compare_digest(password, token) or hmac.compare_digest(signature.encode(), expected.encode())


def _basic_password(scheme: str, said: str) -> bytes:
    """Returns the password of Basic authentication: all that SNS and MNS can send is an address with one."""
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(said, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _woken_inbox(inbox: str, told: Told) -> list[Event]:
    scheme, found, place = inbox.partition("://")
    bucket, _, prefix = place.partition("/")
    prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
    return [inbox_changed(inbox)] if scheme and found and told.touches(bucket, prefix) else []


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status_code=status)
