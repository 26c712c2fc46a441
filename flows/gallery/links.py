"""Where the gallery's links lead: always a file that is there, or a clip that a browser may fetch."""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flows.rules.addresses import printable

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_UNSAFE_IN_URL = re.compile(r"[\s\x00-\x1f\x7f\"'<>\\^`{|}]")


@dataclass(frozen=True)
class Place:
    """Where the gallery stands.

    Attributes:
        folder: Path of the results folder on this machine's disk, or its URL on other storage.
        on_disk: Whether it is a path.
    """

    folder: str
    on_disk: bool


@dataclass(frozen=True)
class Original:
    """A clip that the page can play beside its result.

    Attributes:
        link: Relative, or absolute on the web.
        origin: What the page's security policy must allow for it; None when it lies beside the page.
    """

    link: str
    origin: str | None = None


def relative(name: str) -> str:
    """Returns the link from the gallery to a file of the same store."""
    return quote(name)


def original(video: str, place: Place) -> Original | None:
    """Returns how the page can play a clip, or None when a browser could not reach it.

    Args:
        video: Address of the clip, as its sidecar has it.
        place: Where the gallery stands.
    """
    try:
        parts = urlsplit(video) if "://" in video else None
        if parts is not None and parts.scheme in ("http", "https"):
            return _on_the_web(video)
    except ValueError:
        return None
    path = video.removeprefix("file://")
    if place.on_disk and path.startswith("/"):
        return Original(quote(posixpath.relpath(path, place.folder)))
    here = urlsplit(place.folder)
    if parts is not None and not place.on_disk and parts[:2] == here[:2]:
        return Original(quote(posixpath.relpath(parts.path or "/", here.path or "/")))
    return None


def _on_the_web(video: str) -> Original | None:
    """Leaves out addresses with a query or a password: those may be secrets, and the page may be passed on."""
    parts = urlsplit(video)
    host = parts.hostname or ""
    if parts.query or parts.username or parts.password or _UNSAFE_IN_URL.search(video) or not _HOST.fullmatch(host):
        return None
    port = f":{parts.port}" if parts.port else ""
    return Original(video, f"{parts.scheme}://{host}{port}")


def shown(address: str) -> str:
    """Returns an address as anyone may read it; a sidecar may also hold what is no address at all."""
    try:
        return printable(address)
    except ValueError:
        return "an address that cannot be read"


def origins(originals: Iterable[Original | None]) -> list[str]:
    """Returns the web origins of clips, each once, sorted."""
    return sorted({found.origin for found in originals if found and found.origin})
