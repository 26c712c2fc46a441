"""Why a file cannot be used, in words for people: what it really is, told from its first bytes."""

import codecs

_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"#EXTM3U", "a streaming playlist, which only points at video"),
)
_PICTURE_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"mif1", b"msf1"}
_VIDEO_SIGNATURES = ((b"\x1a\x45\xdf\xa3", "Matroska or WebM"), (b"FLV\x01", "FLV"), (b"OggS", "Ogg"))


class UnreadableMedia(Exception):
    """A file that cannot be read as the video or picture it should be.

    Attributes:
        reason: What is wrong, as a clause that can follow the file's name: "it is empty".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnshowableMedia(UnreadableMedia):
    """A video that plays, but of which no picture can be made here."""


def picture_format(head: bytes) -> str | None:
    """Returns the name of the picture format a file begins with, such as ``JPEG``; None when it is none.

    Args:
        head: The first bytes of the file; 64 are enough.
    """
    for signature, name in _PICTURE_SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS | _HEIC_BRANDS:
        return "AVIF" if head[8:12] in _AVIF_BRANDS else "HEIC"
    # Two letters alone would claim too much; the reserved bytes that follow a bitmap's size are zero.
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    return None


def video_format(head: bytes) -> str | None:
    """Returns the name of the video format a file begins with; None when it cannot be told from that."""
    for signature, name in _VIDEO_SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    if head[4:8] in {b"ftyp", b"moov", b"mdat"} and picture_format(head) is None:
        return "MP4 or MOV"
    return None


def what_it_is_instead(head: bytes) -> str | None:
    """Returns what a file is that is neither video nor picture, "a text file" say; None if it cannot be told.

    Args:
        head: The first bytes of the file; a few hundred are enough.
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if not head.strip(b"\0"):
        return "nothing but zeros: space was reserved for it, but it was never written"
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str | None:
    try:
        # A decoder that expects more bytes, because the head may end within a character.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    if any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text):
        return None
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "a web page: the address probably leads to a page about the file, not to the file"
    if start.startswith(("<?xml", "<error")):
        return "an XML document, as storage services send in place of a file they refuse"
    if start.startswith(("{", "[")):
        return "a JSON document"
    return "a text file"
