"""Locks between processes that the kernel gives back when their holder dies, however it dies."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None  # type: ignore[assignment]

LOCKS_EXIST = fcntl is not None


class Lock:
    """A `flock` on a file, held until it is released, closed, or the process is gone.

    It belongs to the open file: a process started with the descriptor holds it too.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def fileno(self) -> int:
        """Returns the descriptor, to be handed to a process that shall hold the lock too."""
        return self._fd

    def try_exclusive(self) -> bool:
        """Takes the lock for this holder alone, or returns False because others hold it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(self) -> None:
        """Takes the lock together with others, as soon as nobody holds it alone."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def release(self) -> None:
        """Gives the lock back, for every process that shares the descriptor."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes this process's descriptor; the lock stays with a process that inherited it."""
        os.close(self._fd)
