"""Does harm to its own process at chosen moments; put on PYTHONPATH, Python loads it before all else.

A moment is an audit event of Python with a pattern of what it is about: ``os.link *-intent.json`` is just before an
intent appears under its name.

DIE_AT: moments that have to pass, one a line; at the last one the process is killed, as `kill -9` does.
FAIL_AT: moments that go wrong, one a line, each after an errno's name and how often: ``ENOSPC 3 os.link *``.
"""

import errno
import os
import signal
import sys
from fnmatch import fnmatch

_to_pass = os.environ.pop("DIE_AT", "").splitlines()
_to_fail = [line.split(" ", 3) for line in os.environ.pop("FAIL_AT", "").splitlines()]
_times = [int(times) for _, times, _, _ in _to_fail]


def _harm(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("open", "os.link", "os.rename"):
        return
    # Links and renames name their target second.
    path = str(arguments[0 if event == "open" else 1])
    if _to_pass and _is_at(_to_pass[0], event, path):
        del _to_pass[0]
        if not _to_pass:
            os.kill(os.getpid(), signal.SIGKILL)
    for index, (name, _, *moment) in enumerate(_to_fail):
        if _times[index] and _is_at(" ".join(moment), event, path):
            _times[index] -= 1
            number = getattr(errno, name)
            raise OSError(number, os.strerror(number), path)


def _is_at(moment: str, event: str, path: str) -> bool:
    awaited, _, pattern = moment.partition(" ")
    return event == awaited and fnmatch(path, pattern)


sys.addaudithook(_harm)
