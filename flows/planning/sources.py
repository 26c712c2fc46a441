"""Opens a clip or image wherever it is: on disk, on the web, in a bucket. Reads only what is asked for."""

import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal, cast
from urllib.parse import urlsplit

from blocks.clients.range_reader import RangeReader
from blocks.clients.store import StorageFailed, Store, open_anywhere
from flows.rules.addresses import printable

#: Schemes of object storages whose files recut opens itself.
STORES = frozenset({"s3", "gs", "gcs", "az", "abfs", "abfss", "memory"})
_DIGEST = re.compile(r'"[0-9A-Fa-f]{32,}(-\d+)?"')
Place = Literal["disk", "web", "store"]


class MediumUnavailable(Exception):
    """A clip or image cannot be opened; says why and what to do.

    Attributes:
        reason: What was found.
        advice: What to do about it.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}; {advice}")
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True)
class Medium:
    """An opened clip or image.

    Attributes:
        place: What kind of place it is in.
        identity: Equal for equal content, as far as can be known without reading all of it.
        size_bytes: Its size.
        stream: Seekable; closed when the context ends.
    """

    place: Place
    identity: str
    size_bytes: int
    stream: BinaryIO


def place_of(address: str) -> Place:
    """Returns what kind of place an address names.

    Raises:
        MediumUnavailable: The scheme is none recut reads.
    """
    scheme = urlsplit(address).scheme.lower() if "://" in address else ""
    if scheme in ("", "file"):
        return "disk"
    if scheme in ("http", "https"):
        return "web"
    if scheme in STORES:
        return "store"
    raise MediumUnavailable(
        f"{scheme}:// is not supported", "use a local path, an http(s) URL, or a bucket such as s3://"
    )


def unopened_identity(address: str) -> str:
    """Returns the identity of a medium recut may not open: its address is all there is, and may hold a signature."""
    return f"unprobed:{hashlib.sha256(address.encode()).hexdigest()}"


def disk_path(address: str) -> Path:
    """Returns the path an address on disk names."""
    # Unlike pathlib's, this one takes a ~ that names nobody as part of a file name.
    return Path(os.path.expanduser(address.removeprefix("file://")))


def lasting(address: str) -> str:
    """Returns an address that means the same from another folder, for those who read it in the journal later."""
    return address if "://" in address and not address.startswith("file://") else str(disk_path(address).absolute())


@contextmanager
def open_medium(address: str, known: Sequence[Store] = ()) -> Iterator[Medium]:
    """Opens a clip or image for as long as the context lasts.

    Args:
        address: Path or URL.
        known: Stores whose credentials also serve this address, if it is of their kind.

    Raises:
        MediumUnavailable: It is missing, empty of meaning (a folder), or cannot be reached.
    """
    place = place_of(address)
    match place:
        case "disk":
            medium = _on_disk(address)
        case "web":
            medium = _on_web(address)
        case "store":
            medium = _in_store(address, known)
    with medium.stream:
        yield medium


def _on_disk(address: str) -> Medium:
    path = disk_path(address)
    if path.is_dir():
        raise MediumUnavailable(f"{path} is a folder", "name a file in it")
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise MediumUnavailable(
            f"{path} does not exist", "check the path; relative ones start at the manifest, or here"
        ) from None
    except OSError as error:
        raise MediumUnavailable(f"{path} cannot be opened: {error.strerror}", "check its permissions") from error
    stat = os.fstat(stream.fileno())
    identity = f"sha256:{_digest(str(path.resolve()), stat.st_mtime_ns, stat.st_size, stat.st_ino)}"
    return Medium("disk", identity, stat.st_size, stream)


@lru_cache(maxsize=65_536)
def _digest(path: str, mtime_ns: int, size: int, inode: int) -> str:
    """Hashes a file once per state of it: the same reference image is named by many jobs."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _on_web(address: str) -> Medium:
    try:
        reader = RangeReader(address)
    except OSError as error:
        raise MediumUnavailable(
            f"{printable(address)}: {error}",
            "check the address; if only the provider can open it, say --unprobed (its price is then unknown)",
        ) from error
    etag = reader.headers.get("etag", "")
    version = etag or reader.headers.get("last-modified", "")
    # Hosts and signatures change while the file stays; where its tag is a digest, the path tells enough.
    where = urlsplit(address).path if _DIGEST.fullmatch(etag) else address
    identity = f"web:{hashlib.sha256(f'{where}#{version}#{reader.size}'.encode()).hexdigest()}"
    return Medium("web", identity, reader.size, cast(BinaryIO, io.BufferedReader(reader, RangeReader.PIECE_BYTES)))


def _in_store(address: str, known: Sequence[Store]) -> Medium:
    try:
        store, name = open_anywhere(address, known)
        found = store.info(name)
        return Medium("store", store.identity(name, found), int(found["size"]), store.open_range(name))
    except FileNotFoundError:
        raise MediumUnavailable(f"{address} does not exist", "check bucket and name") from None
    except StorageFailed as error:
        raise MediumUnavailable(str(error), "check the address and the storage's credentials") from error
