"""A file that arrives in pieces: digested, and sent on to its storage, while more of it is coming."""

import hashlib
from collections.abc import AsyncIterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from fastcrc import crc64

from flows.transfer.aside import Aside
from flows.transfer.sending import Sending

#: What goes on beside is told of so many more bytes at a time: a thread for each piece costs more than the work.
STEP_BYTES = 8 * 1024 * 1024
_READ_BYTES = 1024 * 1024


class Digest:
    """SHA-256 and CRC-64 of a file, as far as it was taken in.

    Args:
        file: The file.

    Attributes:
        size: How many bytes they are of.
        crc64: Their CRC-64 as OSS announces it (ECMA-182, reflected).
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.crc64 = 0
        self.size = 0

    @property
    def sha256(self) -> str:
        """Their SHA-256 in hexadecimal."""
        return self._sha256.hexdigest()

    def take_in(self, size: int) -> None:
        """Goes on to so many bytes from the beginning.

        Raises:
            OSError: The file cannot be read.
        """
        with self._file.open("rb") as stream:
            stream.seek(self.size)
            while piece := stream.read(min(_READ_BYTES, size - self.size)):
                self._sha256.update(piece)
                self.crc64 = crc64.xz(piece, self.crc64)
                self.size += len(piece)


class Arrival:
    """A file that grows at its end.

    Args:
        file: Where it is; what an earlier try left there is its beginning.
        sending: What sends it on meanwhile, None for nothing.
    """

    def __init__(self, file: Path, sending: Sending | None) -> None:
        self._file = file
        self._sending = sending
        self._digest = Digest(file)
        self._aside = Aside()

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self._file.stat().st_size if self._file.exists() else 0

    async def take(self, pieces: AsyncIterable[bytes], most: int) -> None:
        """Adds pieces until there are no more, or more bytes than wanted are there.

        Args:
            pieces: What comes.
            most: Bytes that are wanted at most.
        """
        try:
            with self._file.open("ab") as stream:
                size = told = stream.tell()
                async for piece in pieces:
                    # Into the page cache: microseconds, where a thread for each piece costs more than fetching it.
                    stream.write(piece)
                    size += len(piece)
                    if size > most:
                        return
                    if size - told >= STEP_BYTES:
                        stream.flush()
                        told = size
                        self._tell(size)
        finally:
            await self._rest()

    def _tell(self, size: int) -> None:
        self._aside.start(partial(self._digest.take_in, size))
        if self._sending is not None:
            self._sending.tell(size)

    async def digest(self) -> Digest:
        """Returns the digest of all that is there."""
        self._aside.start(partial(self._digest.take_in, self.size))
        await self._aside.end()
        return self._digest

    async def drop(self) -> None:
        """Removes what is there, for it is not the beginning of the file."""
        if self._sending is not None:
            self._sending.give_up()
        self._file.unlink(missing_ok=True)
        self._digest, self._aside = Digest(self._file), Aside()

    async def _rest(self) -> None:
        with suppress(Exception):
            await self._aside.end()
