"""HTTP calls, to the providers with the key and to result hosts without it.

Authorised calls go to one address and follow no redirect; downloads carry no authorization at all. What went wrong
is told apart by whether the bytes can have left this machine, because that decides about money.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import httpx

from blocks.clients.answers import MAX_ANSWER_BYTES, inflated, json_object, retry_after
from flows.rules.addresses import checked_api_address, is_loopback
from flows.rules.failures import Cause, Failure

USER_AGENT = "recut"
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
#: Longest a create may take in all; after that its outcome is unknown.
CREATE_SECONDS = 60.0
CREATES_AT_ONCE = 8
#: A download may pause this long between two pieces before it is resumed.
STALL_SECONDS = 60.0
MAX_REDIRECTS = 5

# Errors of the connect phase: the request provably never left.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


class CallFailed(Exception):
    """A call brought no usable answer; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True)
class Answer:
    """A complete answer: HTTP status, headers in lower case, and the JSON object of its body."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


class Transport:
    """Calls one API address with one key.

    Args:
        base_url: Address all paths are appended to.
        key: API key; sent to this address only.
        headers: Headers of every call.
    """

    def __init__(self, base_url: str, key: str, headers: Mapping[str, str] | None = None) -> None:
        self.base_url = checked_api_address(base_url)
        # gzip is the one compression that answers are unpacked from.
        said = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._headers = {**said, **(headers or {}), "Authorization": f"Bearer {key}"}
        self._key = key.encode()
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None)
        # A large pool costs more time than it saves; reads wait their turn, which is no failure.
        pool = httpx.Limits(max_connections=8, keepalive_expiry=20)
        self._reads = httpx.AsyncClient(verify=tls(), timeout=timeout, limits=pool)
        # A create goes out on a fresh connection: on a kept one the server may have hung up unnoticed, and
        # "was it received?" would have no answer. One that finds no room in time was never sent, and says so.
        fresh = httpx.Limits(max_connections=CREATES_AT_ONCE, max_keepalive_connections=0)
        patience = httpx.Timeout(CREATE_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        self._creates = httpx.AsyncClient(verify=tls(), timeout=patience, limits=fresh)

    async def close(self) -> None:
        """Closes all connections."""
        await self._reads.aclose()
        await self._creates.aclose()

    async def create(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Posts once, never repeats.

        Raises:
            CallFailed: With a cause that says whether the bytes can have left.
        """
        try:
            async with asyncio.timeout(CREATE_SECONDS):
                return await self._exchange(self._creates, "POST", path, headers=headers, json=body)
        except TimeoutError as error:
            raise CallFailed(_timed_out(CREATE_SECONDS)) from error

    async def read(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Gets; may be repeated freely.

        Raises:
            CallFailed: The answer is missing or unusable.
        """
        return await self._soon("GET", path, params)

    async def post(self, path: str) -> Answer:
        """Posts something that costs nothing and may be repeated, such as a cancel.

        Raises:
            CallFailed: The answer is missing or unusable.
        """
        return await self._soon("POST", path)

    async def _soon(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Makes a free call within a bounded time, also when the answer drips in."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._exchange(self._reads, method, path, params=params)
        except TimeoutError as error:
            raise CallFailed(_timed_out(READ_SECONDS)) from error

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        url = f"{self.base_url}{path}"
        sent = {**self._headers, **(headers or {})}
        async with (
            _failures_named(),
            client.stream(method, url, headers=sent, params=params, json=json, follow_redirects=False) as response,
        ):
            raw = await _bounded(response)
        return _answer(response, raw, self._key)


async def send_form(url: str, fields: Mapping[str, str], name: str, content: BinaryIO) -> tuple[int, str]:
    """Posts a file as a form, the file last and as it is read, without authorization; returns status and text.

    Raises:
        CallFailed: The connection broke; nothing is known to have been stored.
    """
    timeout = httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS)
    async with (
        _failures_named(),
        httpx.AsyncClient(verify=tls(), timeout=timeout) as client,
        client.stream("POST", url, data=dict(fields), files={"file": (name, content)}) as response,
    ):
        return response.status_code, (await _bounded(response)).decode(errors="replace")


@dataclass(frozen=True)
class Download:
    """An open download: status, headers in lower case, and its pieces as they come."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


@asynccontextmanager
async def download(url: str, *, offset: int = 0) -> AsyncIterator[Download]:
    """Opens a result link without any authorization, from a byte offset on.

    Raises:
        CallFailed: The connection broke, also while pieces are read.
    """
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    timeout = httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS)
    async with (
        _failures_named(),
        httpx.AsyncClient(verify=tls(), timeout=timeout, follow_redirects=True, max_redirects=MAX_REDIRECTS) as client,
        client.stream("GET", _secure(url), headers=headers) as response,
    ):
        yield Download(response.status_code, lower_names(response.headers), response.aiter_raw())


@cache
def tls() -> ssl.SSLContext:
    """The one set of certificates of this process: reading it anew for each client takes longer than a call."""
    return httpx.create_ssl_context()


def _secure(url: str) -> str:
    """Returns a result's address with https: some come as plain http though the same host serves both."""
    try:
        parts = urlsplit(url)
        return url if parts.scheme != "http" or is_loopback(url) else urlunsplit(parts._replace(scheme="https"))
    except ValueError as error:
        raise httpx.InvalidURL(str(error)) from error


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        yield
    except _NOT_SENT as error:
        raise CallFailed(_broken(Cause.NOT_SENT, error)) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise CallFailed(_broken(Cause.NO_ANSWER, error)) from error


def _timed_out(seconds: float) -> Failure:
    return Failure(cause=Cause.NO_ANSWER, code="Timeout", message=f"no answer within {seconds:.0f} s")


def _broken(cause: Cause, error: Exception) -> Failure:
    return Failure(cause=cause, code=type(error).__name__, message=str(error) or "the connection broke")


async def _bounded(response: httpx.Response) -> bytes:
    raw = b""
    async for piece in response.aiter_raw():
        raw += piece
        if len(raw) > MAX_ANSWER_BYTES:
            break
    return raw


def _answer(response: httpx.Response, raw: bytes, key: bytes) -> Answer:
    headers = lower_names(response.headers)
    if response.is_redirect:
        raise CallFailed(
            Failure(
                cause=Cause.INVALID,
                code="Redirected",
                message="the address redirects elsewhere, and the key is not sent after it; set the right address",
                status=response.status_code,
            )
        )
    try:
        # A refusal may quote the key it refuses; answers are shown, logged and recorded.
        body = json_object(inflated(raw).replace(key, b"***"))
    except (ValueError, RecursionError) as error:
        # An error page of something in between still says by its status that the call was refused.
        if 400 <= response.status_code < 500:
            return Answer(response.status_code, headers, {})
        cause = Cause.NONSENSE if response.status_code < 400 else Cause.PROVIDER_FAULT
        raise CallFailed(
            Failure(
                cause=cause,
                code=f"HTTP {response.status_code}",
                message=f"the answer is not one of this API ({error})",
                status=response.status_code,
                retry_after_seconds=retry_after(headers),
            )
        ) from error
    return Answer(response.status_code, headers, body)


def lower_names(headers: httpx.Headers) -> dict[str, str]:
    """Returns headers by their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}
