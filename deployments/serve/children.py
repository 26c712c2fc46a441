"""The processes of `make serve`: started on a leash, started again when they end, ended together."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: What a process that was asked to end may take; a worker tells its flow runs first.
GOODBYE_SECONDS: Final = 20.0


@dataclass
class Child:
    """A process that is to run for as long as this one does.

    Attributes:
        name: How people are told of it.
        arguments: A Python module and its arguments.
        log: Where what it says goes.
    """

    name: str
    arguments: tuple[str, ...]
    log: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Starts it in a session of its own, since Ctrl-C is meant for this process."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                [sys.executable, "-m", "deployments.serve.leash", *self.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def let_go(self) -> None:
        """Asks it to end, by letting go of its leash."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def await_end(self) -> None:
        """Waits for its end, and cuts it and what it started short when that takes too long."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GOODBYE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
