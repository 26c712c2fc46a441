"""A folder for files on their way: gone after the run, and after a killed run with the next one."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks: what a killed run leaves there stays.
    fcntl = None  # type: ignore[assignment]

_PREFIX = "recut-"
_LOCK = ".lock"
#: A folder this young may not be locked yet by the run that is making it.
_YOUNG_SECONDS = 60


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Makes a folder of this run's own, held by a lock that the kernel gives back however the run ends."""
    _clear()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _clear() -> None:
    """Removes the folders of runs that were killed: results are large, and nobody else would."""
    if fcntl is None:
        return
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # another run was quicker, or another user's: theirs
            if time.time() - lock.stat().st_mtime < _YOUNG_SECONDS:
                continue
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(descriptor)
