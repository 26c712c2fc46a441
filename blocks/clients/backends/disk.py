"""This machine's disk, where linking and renaming make whole files appear in one step."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from blocks.clients.backends.backend import Backend, Labels


class Disk(Backend):
    """A local file system."""

    exclusive = True

    @property
    def manner(self) -> str:
        """How exclusive creation is asked for."""
        return "linking a finished file"

    @property
    def publishes_whole(self) -> bool:
        """Always: a finished file is renamed."""
        return True

    def address(self, path: str, url: str) -> str:
        """Returns the path: nobody opens a file on disk by its URL."""
        return path

    def create(self, path: str, content: bytes) -> None:
        """Creates a file whole: linking a finished one is atomic, and fails when the name is taken."""
        final = Path(path)
        with _sibling(final) as temporary:
            temporary.write_bytes(content)
            _to_disk(temporary)
            os.link(temporary, final)
            _to_disk(final.parent)

    def put(self, path: str, source: Path, labels: Labels, *, shared: bool = False) -> None:
        """Stores a file in one step, durable before it has its name; one that may be shared is not copied."""
        final = Path(path)
        with _sibling(final) as temporary:
            if not (shared and _linked(source, temporary)):
                shutil.copyfile(source, temporary)
            _to_disk(temporary)
            os.replace(temporary, final)
        _to_disk(final.parent)

    def ahead(self, path: str, source: Path, labels: Labels) -> "WriteBehind | None":
        """Returns a way to bring a growing file to the disk, where it then only needs its name."""
        return WriteBehind(self, path, source) if _on_one_disk(source, Path(path)) else None

    def copy(self, source: str, target: str) -> None:
        """Copies a file in one step."""
        self.put(target, Path(source), {})

    def open(self, path: str) -> BinaryIO:
        """Opens a file."""
        return Path(path).open("rb")

    def free_bytes(self, path: str) -> int | None:
        """Returns the room on the disk that a folder is on, or will be."""
        return shutil.disk_usage(_existing(Path(path))).free


class WriteBehind:
    """A file that is brought to the disk while it grows: what is left for the end would take as long as its arrival.

    Args:
        disk: The disk.
        path: The final name.
        source: The file, on the same disk.

    Attributes:
        begun: Whether anything is on the disk.
    """

    def __init__(self, disk: Disk, path: str, source: Path) -> None:
        self._disk = disk
        self._path = path
        self._source = source
        self.begun = False

    def follow(self, size: int) -> None:
        """Brings to the disk what is there."""
        _to_disk(self._source)
        self.begun = True

    def finish(self) -> None:
        """Gives the file its name."""
        self._disk.put(self._path, self._source, {}, shared=True)

    def stop(self) -> None:
        """Does nothing: one turn takes a moment."""

    def abort(self) -> None:
        """Does nothing: the file is its owner's."""


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside a final one, on the same disk, gone afterwards."""
    _make(path.parent)
    # Not with the final name in it: that one may be as long as the disk takes.
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Makes a folder that a power cut does not take away with everything in it: its parents learn of it on disk."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        # Or it would read as if the file itself had been created by somebody else.
        raise NotADirectoryError(error.errno, "a file stands in the way", str(folder)) from error
    for each in reversed(made):
        _to_disk(each.parent)


def _on_one_disk(source: Path, target: Path) -> bool:
    return source.parent.stat().st_dev == _existing(target.parent).stat().st_dev


def _existing(folder: Path) -> Path:
    """Returns the folder, or the nearest one above that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _linked(source: Path, target: Path) -> bool:
    """Gives a file a second name, where both are on one disk that can; returns whether it has it."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
