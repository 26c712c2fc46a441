"""Reads what a picture's headers say, without decoding it."""

import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import DecompressionBombError
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from flows.media.source import Source, open_source
from flows.media.unreadable import UnreadableMedia, picture_format, video_format, what_it_is_instead
from flows.rules.facts import ImageFacts

# Pillow's readers of single formats, because Image.open weighs the pixels to be decoded, and none are here.
_READERS: dict[str, Callable[[Any], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
}
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
# Some programs append data of their own after the end mark.
_TAIL_BYTES = 65_536
_WEBP_HEADER_BYTES = 30
# What Pillow's readers raise on damaged headers; the GIF reader weighs the pixels by itself.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    struct.error,
    DecompressionBombError,
)


def probe_image(stream: BinaryIO, size: int) -> ImageFacts:
    """Reads the headers of a picture, and its last bytes, which tell whether it is complete.

    Args:
        stream: A seekable binary stream: a local file, or a reader of byte ranges.
        size: Its length in bytes.

    Returns:
        The facts a rule can judge.

    Raises:
        UnreadableMedia: It is empty, cut off, a video, a text, or otherwise not a picture that can be read.
            Errors of the stream itself come through as they are.
    """
    source, head = open_source(stream, size)
    kind = picture_format(head)
    if kind == "WebP":
        return _webp_facts(head, size)
    if kind in _READERS:
        return _facts(source, kind)
    if kind:
        raise UnreadableMedia(f"it is in {kind} format; save it as JPEG or PNG")
    if video := video_format(head):
        raise UnreadableMedia(f"it is a video ({video}), not a picture")
    if other := what_it_is_instead(head):
        raise UnreadableMedia(f"it is {other}")
    raise UnreadableMedia("it is damaged, or in a format that cannot be read here")


def _facts(source: Source, kind: str) -> ImageFacts:
    source.seek(0)
    try:
        # A multi-picture JPEG (MPO) is read as the JPEG it begins with.
        image: ImageFile = _READERS[kind](source)
        animated = bool(getattr(image, "is_animated", False))
    except _PILLOW_ERRORS as error:
        source.check()
        raise UnreadableMedia(f"its {kind} headers are damaged") from error
    source.check()
    # Phones append a short video to a JPEG and announce it; the end mark is then far from the end.
    if b"MotionPhoto" not in image.info.get("xmp", b""):
        _check_complete(source, kind)
    return ImageFacts(
        format=kind.lower(),
        width=image.width,
        height=image.height,
        has_alpha="A" in image.getbands() or "transparency" in image.info,
        size_bytes=source.size,
        animated=animated,
    )


def _check_complete(source: Source, kind: str) -> None:
    if kind not in _END_MARKS:
        return
    tail = source.read_at(max(0, source.size - _TAIL_BYTES), _TAIL_BYTES)
    if _END_MARKS[kind] not in tail:
        raise UnreadableMedia("the file ends early: its end mark is missing")


def _webp_facts(head: bytes, size: int) -> ImageFacts:
    """Reads a WebP's first chunk (RFC 9649, sections 2.5 to 2.7): Pillow would read the whole file."""
    declared = int.from_bytes(head[4:8], "little") + 8
    if declared > size or size < _WEBP_HEADER_BYTES:
        raise UnreadableMedia(
            f"the file ends early ({size:,} of {max(declared, _WEBP_HEADER_BYTES):,} bytes are there)"
        )
    chunk, data = head[12:16], head[20:30]
    alpha = animated = False
    if chunk == b"VP8X":
        alpha, animated = bool(data[0] & 0x10), bool(data[0] & 0x02)
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (4, 7))
    elif chunk == b"VP8L" and data[:1] == b"\x2f":
        bits = int.from_bytes(data[1:5], "little")
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    elif chunk == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    else:
        raise UnreadableMedia("its WebP headers are damaged")
    return ImageFacts(format="webp", width=width, height=height, has_alpha=alpha, size_bytes=size, animated=animated)
