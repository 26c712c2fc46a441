"""Reads a file on the web as if it were on disk, fetching only the pieces that are looked at. Sends no key."""

import io
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import IO, Any

import httpx

from blocks.clients.transport import CONNECT_SECONDS, MAX_REDIRECTS, READ_SECONDS, USER_AGENT, lower_names, tls


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
            verify=tls(),
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
                headers = lower_names(response.headers)
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


def _at_most(parts: Iterator[bytes], count: int) -> bytes:
    """Returns what a server sends, up to a count: one that sends more than it was asked for is not waited for."""
    content = b""
    for part in parts:
        content += part
        if len(content) >= count:
            break
    return content[:count]
