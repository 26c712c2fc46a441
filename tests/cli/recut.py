"""The `recut` command as people run it: a process of its own in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.emulator import Emulator

COMMAND = Path(sys.executable).with_name("recut")
SECONDS = 120


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object that `--json` prints."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything it said."""
        return self.out + self.err


class Running:
    """A command that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def until(self, emulator: Emulator, **awaited: Any) -> None:
        """Waits until the provider has seen what `Emulator.wait` names."""
        try:
            emulator.wait(**awaited, timeout=SECONDS)
        except TimeoutError:
            self.process.kill()
            raise AssertionError(self.done().said) from None

    def done(self) -> Done:
        """Waits for its end. Whatever happens, nobody is shown a traceback."""
        try:
            out, err = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"it did not end\n{out}\n{err}") from None
        assert "Traceback" not in out + err, out + err
        return Done(self.process.returncode, out, err)


class Recut:
    """Runs the command in a folder, in an environment that holds nothing else.

    Args:
        folder: The working directory; results go to `results` in it.
        environment: The environment.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.results = folder / "results"
        self.environment = dict(environment)
        self._started: list[subprocess.Popen[str]] = []

    def end(self) -> None:
        """Kills what still runs."""
        for process in self._started:
            process.kill()

    def __call__(self, *arguments: object, **changes: str | None) -> Done:
        """Runs it to its end. `changes` are variables set, or with None unset, for this time."""
        return self.start(*arguments, **changes).done()

    def start(self, *arguments: object, ignoring: signal.Signals | None = None, **changes: str | None) -> Running:
        """Starts it; `ignoring` is a signal it finds ignored, as in a shell's background."""
        environment = {name: value for name, value in {**self.environment, **changes}.items() if value is not None}
        before = signal.signal(ignoring, signal.SIG_IGN) if ignoring else None
        try:
            process = subprocess.Popen(
                [COMMAND, *map(str, arguments)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        finally:
            if ignoring:
                signal.signal(ignoring, before)
        self._started.append(process)
        return Running(process)

    def write(self, name: str, content: str | Iterable[Mapping[str, Any]]) -> str:
        """Writes a manifest, of rows as JSONL or as it is, and returns its name."""
        if not isinstance(content, str):
            content = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in content)
        (self.folder / name).write_text(content, encoding="utf-8")
        return name


def basic_environment(folder: Path) -> dict[str, str]:
    """Returns what any process needs, and nothing of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TERM": "dumb", "TZ": "UTC"}
