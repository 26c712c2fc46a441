"""Answers that go wrong on the wire: resets, silence, cut bodies, spoilt JSON."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from deployments.emulator.clock import Clock
from deployments.emulator.faults import Garble

_TRANSPORT = "emulator.transport"
_PIECE = 64 * 1024


class ReachableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with each request's TCP connection within the application's reach."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, dict(app_state), _loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection where requests find it."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.app_state[_TRANSPORT] = transport


class Reset(Response):
    """Resets the connection: the client's kernel sees a TCP RST."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset and wait until the server has noticed."""
        _reset(scope)
        await _gone(receive)


class Silence(Response):
    """Never answers.

    Args:
        closing: Set when the emulator stops; the connection is reset then.
    """

    def __init__(self, closing: asyncio.Event) -> None:
        super().__init__()
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the client to give up."""
        waits = {asyncio.create_task(_gone(receive)), asyncio.create_task(self._closing.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        _reset(scope)


class Cut(Response):
    """Announces a whole body but sends only its first part, then closes the connection.

    Args:
        body: The whole body.
        headers: Headers of the whole answer.
        sent: Bytes that are really sent.
        status: HTTP status.
    """

    def __init__(self, body: bytes, headers: Mapping[str, str], sent: int, status: int = 200) -> None:
        super().__init__(body, status, dict(headers))
        self._sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the part and hang up."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: self._sent], "more_body": True})
        _transport(scope).close()
        await _gone(receive)


class Slow(Response):
    """Sends a body in pieces of 64 KiB with a pause before each.

    Args:
        body: The whole body.
        headers: Headers of the answer.
        clock: Provider time.
        pause: Provider seconds before each piece.
    """

    def __init__(self, body: bytes, headers: Mapping[str, str], clock: Clock, pause: float) -> None:
        super().__init__(body, 200, dict(headers))
        self._clock = clock
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send piece by piece."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body = bytes(self.body)
        for start in range(0, len(body), _PIECE):
            await self._clock.sleep(self._pause)
            await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def garbled(answer: Response, garble: Garble) -> Response:
    """A JSON answer, spoilt; its headers stay except for the length. What another fault made of it may stay too."""
    body = bytes(answer.body)
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    if garble.how == "html":
        headers["content-type"] = "text/html"
        body = b"<html><body><h1>Please stand by</h1></body></html>"
    elif garble.how == "truncated":
        body = body[: len(body) * 2 // 3]
    else:
        try:
            document = json.loads(body)
        except ValueError:
            return answer
        body = _without_task_id(document) if garble.how == "without_task_id" else _doubled(document)
    return Response(body, answer.status_code, headers)


def _without_task_id(document: dict[str, Any]) -> bytes:
    document.get("output", document).pop("task_id", None)
    return json.dumps(document).encode()


def _doubled(document: dict[str, Any]) -> bytes:
    """The same JSON object with its first key given twice, the first time with another value."""
    return f"{{{json.dumps(next(iter(document)))}:null,{json.dumps(document)[1:]}".encode()


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope["state"][_TRANSPORT]
    assert isinstance(transport, asyncio.Transport)
    return transport


def _reset(scope: Scope) -> None:
    transport = _transport(scope)
    if not transport.is_closing():
        # Lingering for zero seconds makes the kernel drop what is unsent and send RST instead of FIN.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
