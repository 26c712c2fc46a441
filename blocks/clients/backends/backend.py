"""Any file system that fsspec knows, as far as fsspec alone can be trusted."""

import io
import mimetypes
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from fsspec import AbstractFileSystem

#: What a stored file says about itself besides its content.
Labels = Mapping[str, str]
#: Pieces that scattered reads fetch: headers stay cheap, and an index comes in a few of them.
RANGE_BYTES = 128 * 1024
RANGES_KEPT = 64
#: Pieces that reads from beginning to end fetch.
STREAM_BYTES = 4 * 1024 * 1024
_MEMORY = threading.Lock()


class Ahead(Protocol):
    """A file that is sent to a storage while it still grows; used by one thread at a time, except for `stop`."""

    @property
    def begun(self) -> bool:
        """Whether anything of it was sent."""

    def follow(self, size: int) -> None:
        """Sends what can be sent once so many bytes of the file are there and will not change.

        Raises:
            Exception: It could not be sent; nothing more can be made of this.
        """

    def finish(self) -> None:
        """Sends the rest of the finished file, and gives it its name.

        Raises:
            Exception: As far as can be told it does not stand under its name.
        """

    def stop(self) -> None:
        """Makes a thread that is sending end soon, with an error."""

    def abort(self) -> None:
        """Takes back what was sent; nothing more can be made of this."""


class Backend:
    """A file system: paths go in without scheme, errors come out as the library raises them.

    Args:
        fs: The opened file system.
    """

    #: Whether the server itself creates exclusively; most of fsspec looks first and writes then.
    exclusive = False

    def __init__(self, fs: AbstractFileSystem) -> None:
        self.fs = fs

    @property
    def manner(self) -> str:
        """How exclusive creation is asked for."""
        return "an exclusive create"

    @property
    def publishes_whole(self) -> bool:
        """Whether a file appears under its name only when it is complete."""
        return self._renames()

    def use_next_manner(self) -> bool:
        """Changes to another way of asking for exclusive creation; returns False when there is none left."""
        return False

    def path(self, url: str) -> str:
        """Returns the path of a URL on this file system."""
        return cast(str, self.fs._strip_protocol(url))

    def address(self, path: str, url: str) -> str:
        """Returns the address people see and use: here, the URL."""
        return url

    def read(self, path: str) -> bytes:
        """Returns the content of a small file."""
        return cast(bytes, self.fs.cat_file(path))

    def files(self, folder: str) -> Iterator[Mapping[str, Any]]:
        """Yields what the storage says of each file below a folder, under ``name`` its path.

        fsspec's own walk silently leaves out what it cannot list.
        """
        try:
            rows = self.fs.ls(folder, detail=True)
        except FileNotFoundError:
            return
        for row in rows:
            name = row["name"].rstrip("/")
            if row["type"] == "directory" and name != folder:
                yield from self.files(name)
            else:
                yield row

    def info(self, path: str) -> Mapping[str, Any]:
        """Returns what the storage says of a file."""
        return cast(Mapping[str, Any], self.fs.info(path))

    def create(self, path: str, content: bytes) -> None:
        """Creates a file that must not exist yet."""
        self.fs.makedirs(_parent(path), exist_ok=True)
        self.fs.pipe_file(path, content, mode="create")

    def put(self, path: str, source: Path, labels: Labels, *, shared: bool = False) -> None:
        """Stores a local file under a name, in one step where the file system can rename."""
        self.fs.makedirs(_parent(path), exist_ok=True)
        if not self._renames():
            self.fs.put_file(str(source), path)
            return
        temporary = f"{_parent(path)}/.{uuid.uuid4().hex}.part"
        try:
            self.fs.put_file(str(source), temporary)
            self.fs.mv(temporary, path)
        except BaseException:
            if self.fs.exists(temporary):
                self.fs.rm_file(temporary)
            raise

    def ahead(self, path: str, source: Path, labels: Labels) -> Ahead | None:
        """Returns a way to send a local file while it still grows, None where that gains nothing."""
        return None

    def copy(self, source: str, target: str) -> None:
        """Copies within the storage, its content never passing through this machine where the server can."""
        self.fs.cp_file(source, target)

    def remove(self, path: str) -> None:
        """Removes a file."""
        self.fs.rm_file(path)

    def open(self, path: str) -> BinaryIO:
        """Opens a file for scattered reads, fetching ranges and keeping few of them."""
        options = {"cache_type": "blockcache", "cache_options": {"maxblocks": RANGES_KEPT}}
        return cast(BinaryIO, self.fs.open(path, "rb", block_size=RANGE_BYTES, **options))

    def stream(self, path: str) -> Iterator[bytes]:
        """Yields a file from beginning to end."""
        with self.fs.open(path, "rb", block_size=STREAM_BYTES) as stream:
            while piece := stream.read(STREAM_BYTES):
                yield piece

    def sign(self, path: str, seconds: int) -> str:
        """Returns a URL that reads a file without credentials for so long."""
        return cast(str, self.fs.sign(path, expiration=seconds))

    def same_service(self, other: "Backend") -> bool:
        """Whether another backend is the same server with the same credentials."""
        return self.fs is other.fs

    def free_bytes(self, path: str) -> int | None:
        """Returns how much room a folder has, None where nobody can tell."""
        return None

    def _renames(self) -> bool:
        return type(self.fs).mv is not AbstractFileSystem.mv


class Memory(Backend):
    """fsspec's memory, kept whole: its own looks and writes in two steps, and its readers share a position."""

    exclusive = True

    @property
    def publishes_whole(self) -> bool:
        """Always: a value is put into a dictionary."""
        return True

    def create(self, path: str, content: bytes) -> None:
        """Creates a file that must not exist yet, while nobody else does."""
        with _MEMORY:
            self.fs.pipe_file(path, content, mode="create")

    def put(self, path: str, source: Path, labels: Labels, *, shared: bool = False) -> None:
        """Stores a local file in one step."""
        self.fs.pipe_file(path, source.read_bytes())

    def open(self, path: str) -> BinaryIO:
        """Opens a file with a position of its own."""
        return io.BytesIO(self.fs.cat_file(path))

    def stream(self, path: str) -> Iterator[bytes]:
        """Yields the content as it is now."""
        yield self.fs.cat_file(path)


def content_type(path: str) -> str:
    """Returns what kind of content a name promises, as the web names it."""
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def said(error: BaseException) -> str:
    """Returns an error of any library in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
