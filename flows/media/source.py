"""Opens media from any seekable binary stream, with limits that a hostile file cannot pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from flows.media.unreadable import UnreadableMedia, picture_format, what_it_is_instead

# FFmpeg also reads playlists, which name other files and addresses to open: only whole files may pass.
_FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,mp3,wav,flac,aac"
_PROBE_BYTES = 2_000_000
_PROBE_MICROSECONDS = 5_000_000
_HEADER_BYTES = 32_000_000
_HEAD_BYTES = 512
# PyAV 18 stumbles over tags that are not UTF-8 unless told otherwise; PyAV 19 takes them and has no such option.
_TAG_OPTIONS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


class Source:
    """A stream as FFmpeg and Pillow want it: positioned reads, an end, and a budget of bytes.

    A failure of the stream itself (a lost connection, a refused read) is kept and raised by ``check``:
    FFmpeg would report it as a damaged file, and a storage that is away must not pass for a bad clip.

    Args:
        stream: A seekable binary stream; it is not closed here.
        size: Its length in bytes.
        budget: Bytes that may be read in all; None for no limit.
    """

    def __init__(self, stream: BinaryIO, size: int, budget: int | None = None) -> None:
        self.size = size
        self._stream = stream
        self._left = budget
        self._position = 0
        self._failure: Exception | None = None

    def read(self, length: int = -1) -> bytes:
        """Reads up to ``length`` bytes; nothing at the end, or once a read has failed."""
        available = max(0, self.size - self._position)
        length = available if length < 0 else min(length, available)
        if self._left is not None:
            if length > self._left:
                self._failure = self._failure or UnreadableMedia(
                    f"its headers go on for more than {_HEADER_BYTES // 1_000_000} MB: "
                    "the file is damaged or has no index"
                )
            self._left -= length
        if not length or self._failure:
            return b""
        try:
            self._stream.seek(self._position)
            data = self._stream.read(length)[:length]
        except Exception as error:  # whatever it is, check raises it again
            self._failure = error
            return b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves to ``offset`` from the start (0), from here (1) or from the end (2); returns the place."""
        self._position = max(0, offset + (0, self._position, self.size)[whence])
        return self._position

    def tell(self) -> int:
        """Returns the position in bytes from the start."""
        return self._position

    def read_at(self, offset: int, length: int) -> bytes:
        """Reads up to ``length`` bytes from ``offset``.

        Raises:
            Exception: What the stream raised, or UnreadableMedia when the budget is spent.
        """
        self.seek(offset)
        data = self.read(length)
        self.check()
        return data

    def check(self) -> None:
        """Raises what any earlier read failed with."""
        if self._failure:
            raise self._failure


def open_source(stream: BinaryIO, size: int, *, budget: int | None = _HEADER_BYTES) -> tuple[Source, bytes]:
    """Returns a source, and the first bytes of the file.

    Args:
        stream: A seekable binary stream.
        size: Its length in bytes.
        budget: Bytes that may be read in all: what headers may take, unless told; None for no limit.

    Raises:
        UnreadableMedia: The file is empty.
    """
    if size == 0:
        raise UnreadableMedia("it is empty")
    source = Source(stream, size, budget)
    return source, source.read_at(0, _HEAD_BYTES)


@contextmanager
def open_container(source: Source) -> Iterator[InputContainer]:
    """Opens a video for reading.

    Errors of FFmpeg inside the block become UnreadableMedia; errors of the stream come through as they are.

    Args:
        source: Where to read from.

    Raises:
        UnreadableMedia: The file is not a video, or its data is damaged.
    """
    options = {
        "format_whitelist": _FORMATS,
        "probesize": str(_PROBE_BYTES),
        "analyzeduration": str(_PROBE_MICROSECONDS),
    }
    try:
        source.seek(0)
        with av.open(source, "r", options=options, **_TAG_OPTIONS) as container:
            yield container
    except UnreadableMedia:
        source.check()
        raise
    except av.error.FFmpegError as error:
        source.check()
        raise UnreadableMedia(_explain(source)) from error
    source.check()


def _explain(source: Source) -> str:
    head = source.read_at(0, _HEAD_BYTES)
    if picture := picture_format(head):
        return f"it is a picture ({picture}), not a video"
    if other := what_it_is_instead(head):
        return f"it is {other}"
    return "it is damaged, or in a format that cannot be read here"
