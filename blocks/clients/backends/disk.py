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

    def copy(self, source: str, target: str) -> None:
        """Copies a file in one step."""
        self.put(target, Path(source), {})

    def open(self, path: str) -> BinaryIO:
        """Opens a file."""
        return Path(path).open("rb")

    def free_bytes(self, path: str) -> int | None:
        """Returns the room on the disk that a folder is on, or will be."""
        folder = Path(path)
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside a final one, on the same disk, gone afterwards."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        # Or it would read as if the file itself had been created by somebody else.
        raise NotADirectoryError(error.errno, "a file stands in the way", str(path.parent)) from error
    # Not with the final name in it: that one may be as long as the disk takes.
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


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
