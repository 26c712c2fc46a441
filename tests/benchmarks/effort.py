"""What a command costs: wall time, CPU time and peak memory, read from the kernel while it runs."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_LOOK_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Effort:
    """What a command took.

    Attributes:
        seconds: From start to end.
        cpu_seconds: Of the command itself.
        peak_bytes: The most memory it had.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def effort_of(command: Sequence[object], environment: Mapping[str, str], log: Path) -> Effort:
    """Runs a command to its end.

    Raises:
        RuntimeError: It failed; the text is what it said.
    """
    begin = perf_counter()
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(part) for part in command], env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        peak, over = [0], threading.Event()

        def look() -> None:
            while not over.wait(_LOOK_SECONDS):
                peak[0] = max(peak[0], peak_bytes(process.pid))

        looker = threading.Thread(target=look)
        looker.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            over.set()
            looker.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = perf_counter() - begin
    if process.returncode != 0:
        raise RuntimeError(f"{command}: {log.read_text()[-2000:]}")
    return Effort(seconds, usage.ru_utime + usage.ru_stime, peak[0])


def peak_bytes(pid: int) -> int:
    """Returns the most memory a process had so far, 0 when it is gone.

    What `getrusage` tells of a child is at least as much as its parent had when it was started.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 if "VmHWM:" in status else 0


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
