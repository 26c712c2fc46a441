"""HTTP, and the only module that knows which library speaks it.

Authorised calls go to one address and follow no redirect; downloads carry no authorization at all. What went wrong
is told apart by whether the bytes can have left this machine, because that decides about money.
"""

import asyncio
import io
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, Any
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
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None)
        # A large pool costs more time than it saves; reads wait their turn, which is no failure.
        pool = httpx.Limits(max_connections=8, keepalive_expiry=20)
        self._reads = httpx.AsyncClient(verify=_tls(), timeout=timeout, limits=pool)
        # A create goes out on a fresh connection: on a kept one the server may have hung up unnoticed, and
        # "was it received?" would have no answer. One that finds no room in time was never sent, and says so.
        fresh = httpx.Limits(max_connections=CREATES_AT_ONCE, max_keepalive_connections=0)
        patience = httpx.Timeout(CREATE_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        self._creates = httpx.AsyncClient(verify=_tls(), timeout=patience, limits=fresh)

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
            raise CallFailed(
                Failure(cause=Cause.NO_ANSWER, code="Timeout", message=f"no answer within {CREATE_SECONDS:.0f} s")
            ) from error

    async def read(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Gets; may be repeated freely.

        Raises:
            CallFailed: The answer is missing or unusable.
        """
        return await self._exchange(self._reads, "GET", path, params=params)

    async def post(self, path: str) -> Answer:
        """Posts something that costs nothing and may be repeated, such as a cancel.

        Raises:
            CallFailed: The answer is missing or unusable.
        """
        return await self._exchange(self._reads, "POST", path)

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
        return _answer(response, raw)


async def send_form(url: str, fields: Mapping[str, str], name: str, content: bytes) -> tuple[int, str]:
    """Posts a file as a form, the file last, without authorization; returns status and text of the answer.

    Raises:
        CallFailed: The connection broke; nothing is known to have been stored.
    """
    timeout = httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS)
    async with (
        _failures_named(),
        httpx.AsyncClient(verify=_tls(), timeout=timeout) as client,
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
        httpx.AsyncClient(verify=_tls(), timeout=timeout, follow_redirects=True, max_redirects=MAX_REDIRECTS) as client,
        client.stream("GET", _secure(url), headers=headers) as response,
    ):
        yield Download(response.status_code, _lower(response.headers), response.aiter_raw())


class RangeReader(io.RawIOBase):
    """A web file as a seekable stream that fetches only the pieces that are read.

    From a server that serves no parts of files, all of it is fetched once, to disk.

    Args:
        url: Address of the file; sent without authorization.

    Raises:
        OSError: The server refused, or the file cannot be a medium of these models.
    """

    #: Small enough for headers to stay cheap, large enough for an index to come in a few pieces.
    PIECE_BYTES = 64 * 1024
    #: Pieces kept in memory; older ones are fetched again.
    PIECES_KEPT = 128
    #: Above the limit of every model; what is larger need not be fetched to be refused.
    MAX_WHOLE_BYTES = 128 * 1024 * 1024

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._client = httpx.Client(
            verify=_tls(),
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )
        self._position = 0
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self._whole: IO[bytes] | None = None
        self.size = -1
        try:
            self.headers = self._fetch(0)
        except BaseException:
            self._client.close()
            raise

    def _fetch(self, index: int) -> dict[str, str]:
        """Fetches a piece, keeps it, and returns the headers that came with it."""
        start = index * self.PIECE_BYTES
        wanted = {"Range": f"bytes={start}-{start + self.PIECE_BYTES - 1}"}
        try:
            with self._client.stream("GET", self._url, headers=wanted) as response:
                headers = _lower(response.headers)
                if response.status_code == 416 and index == 0:
                    self.size = 0
                elif response.status_code == 206:
                    self._take_size(headers.get("content-range", "").rpartition("/")[2])
                    if not headers.get("content-range", "").startswith(f"bytes {start}-"):
                        raise OSError("the server sent another part than the one asked for")
                    self._keep(index, _at_most(response.iter_raw(), self.PIECE_BYTES))
                elif response.status_code >= 400:
                    raise OSError(f"the server answered {response.status_code} {response.reason_phrase}")
                elif index > 0:
                    raise OSError("the server stopped serving parts of the file")
                else:
                    self._take_size(headers.get("content-length", ""))
                    self._take_whole(response.iter_raw())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(f"cannot be fetched: {error or type(error).__name__}") from error
        return headers

    def _take_size(self, stated: str) -> None:
        if not stated.isdigit():
            raise OSError("the server does not say how large the file is")
        if self.size not in (-1, int(stated)):
            raise OSError("the file changed while it was read")
        self.size = int(stated)

    def _take_whole(self, parts: Iterator[bytes]) -> None:
        if self.size > self.MAX_WHOLE_BYTES:
            raise OSError("the server serves no parts of files, and the file is larger than any model takes")
        self._whole = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the reader
        for part in parts:
            self._whole.write(part)

    def _keep(self, index: int, piece: bytes) -> None:
        self._pieces[index] = piece
        if len(self._pieces) > self.PIECES_KEPT:
            self._pieces.popitem(last=False)

    def readable(self) -> bool:
        """Whether reading is possible: always."""
        return True

    def seekable(self) -> bool:
        """Whether seeking is possible: always."""
        return True

    def tell(self) -> int:
        """Returns the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves the position, without fetching anything."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer from the current position with what one piece holds."""
        if self._position >= self.size:
            return 0
        part = self._part(len(buffer))
        if not part:
            raise OSError("the server sent less than it announced")
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _part(self, count: int) -> bytes:
        if self._whole is not None:
            self._whole.seek(self._position)
            return self._whole.read(count)
        index, within = divmod(self._position, self.PIECE_BYTES)
        if index not in self._pieces:
            self._fetch(index)
        return self._pieces[index][within : within + count]

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()
        if self._whole is not None:
            self._whole.close()
        super().close()


@cache
def _tls() -> ssl.SSLContext:
    """The one set of certificates of this process: reading it anew for each client takes longer than a call."""
    return httpx.create_ssl_context()


def _secure(url: str) -> str:
    """Returns a result's address with https: some come as plain http though the same host serves both."""
    try:
        parts = urlsplit(url)
        return url if parts.scheme != "http" or is_loopback(url) else urlunsplit(parts._replace(scheme="https"))
    except ValueError as error:
        raise httpx.InvalidURL(str(error)) from error


def _at_most(parts: Iterator[bytes], count: int) -> bytes:
    """Returns what a server sends, up to a count: one that sends more than it was asked for is not waited for."""
    content = b""
    for part in parts:
        content += part
        if len(content) >= count:
            break
    return content[:count]


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    try:
        yield
    except _NOT_SENT as error:
        raise CallFailed(_broken(Cause.NOT_SENT, error)) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise CallFailed(_broken(Cause.NO_ANSWER, error)) from error


def _broken(cause: Cause, error: Exception) -> Failure:
    return Failure(cause=cause, code=type(error).__name__, message=str(error) or "the connection broke")


async def _bounded(response: httpx.Response) -> bytes:
    raw = b""
    async for piece in response.aiter_raw():
        raw += piece
        if len(raw) > MAX_ANSWER_BYTES:
            break
    return raw


def _answer(response: httpx.Response, raw: bytes) -> Answer:
    headers = _lower(response.headers)
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
        body = json_object(inflated(raw))
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


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
