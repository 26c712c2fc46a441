"""Tells a complete MP4 or MOV from one that was cut off, by its outermost boxes (ISO/IEC 14496-12, 4.2)."""

import re
import struct

from flows.media.source import Source
from flows.media.unreadable import UnreadableMedia

_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
# An ordinary file has fewer than ten; a look at each can be a request to a storage.
_MAX_BOXES = 64


def brand(head: bytes) -> str | None:
    """Returns ``mp4``, ``mov`` or ``3gp`` by the brand a file declares; None when it is not of this family.

    Args:
        head: The first bytes of the file; 12 are enough.
    """
    if head[4:8] not in _FIRST_BOXES:
        return None
    if head[4:8] != b"ftyp" or head[8:12] == b"qt  ":
        return "mov"  # QuickTime files from before brands existed begin with any other box
    return "3gp" if head[8:10] == b"3g" else "mp4"


def check_complete(source: Source) -> None:
    """Walks the outermost boxes and compares the sizes they declare with the file's.

    Args:
        source: An MP4 or MOV file.

    Raises:
        UnreadableMedia: The file ends early, or its index is damaged.
    """
    offset, indexed = 0, False
    for _ in range(_MAX_BOXES):
        if offset + 8 > source.size:
            break
        size, kind = struct.unpack(">I4s", source.read_at(offset, 8))
        if kind == b"moof" or not kind.isalnum():
            break  # fragments, which FFmpeg reads one by one; or no box at all: padding, a program's own trailer
        if size == 1:
            size = int.from_bytes(source.read_at(offset + 8, 8))
        elif size == 0:
            size = source.size - offset  # by the standard: up to the end of the file
        if size < 8:
            raise UnreadableMedia(f"it is damaged at byte {offset}: a part of impossible size")
        indexed = indexed or kind == b"moov"
        if offset + size > source.size:
            raise UnreadableMedia(ends_early(source.size, offset + size, indexed and kind != b"moov"))
        if kind == b"moov":
            _check_index(source, source.read_at(offset, size))
        offset += size
    else:
        return
    if not indexed:
        raise UnreadableMedia(ends_early(source.size, None, indexed))


def _check_index(source: Source, index: bytes) -> None:
    """Refuses an index whose sample sizes (stsz) add up to more than the file: FFmpeg would make room for all."""
    for found in re.finditer(rb"stsz(?=.{12})", index, re.DOTALL):
        size, count = struct.unpack_from(">II", index, found.end() + 4)
        if size * count > source.size:
            raise UnreadableMedia(ends_early(source.size, size * count, indexed=True))


def ends_early(size: int, declared: int | None, indexed: bool) -> str:
    """Returns the reason for a file that was cut off.

    Args:
        size: Bytes that are there.
        declared: Bytes that should be there, None when unknown.
        indexed: Whether the index was found whole.
    """
    missing = "" if indexed else ": the index (moov) is missing"
    extent = "" if declared is None else f" ({size:,} of at least {declared:,} bytes are there)"
    return f"the file ends early{missing}{extent}"
