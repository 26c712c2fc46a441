"""The real `recut` command at work for one team: its environment, its processes, and what they leave on disk."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from blocks.clients.store import Store
from deployments.emulator import Emulator
from tests.s3 import S3Server

RECUT = Path(sys.executable).with_name("recut")
HARM = Path(__file__).with_name("harm")
_TEAMS_OWN = ("RECUT_", "DASHSCOPE_", "APIYI_", "PREFECT_", "PYTHON", "AWS_")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Working:
    """A command that is under way."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> None:
        # Files, not pipes: a full pipe would stop a command that nobody listens to.
        self._said = TemporaryFile("w+"), TemporaryFile("w+")  # noqa: SIM115 - `done` closes them
        out, err = self._said
        self.process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )

    def done(self, timeout: float = 120) -> Done:
        """Waits for its end, so many seconds at most."""
        self.process.wait(timeout)
        told = []
        for file in self._said:
            file.seek(0)
            told.append(file.read())
            file.close()
        return Done(self.process.returncode, *told)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> Done:
        """Sends a signal and waits for the end."""
        self.process.send_signal(how)
        return self.done()


@dataclass
class Team:
    """One team: a folder with manifests and results, keys, and a provider that the emulator plays.

    Attributes:
        emulator: Plays both providers.
        folder: Where its manifests and results are.
        home: RECUT_HOME, shared by all teams of the tests, and with it one local Prefect server.
        clip: Address of the usual clip on the web.
        local_clip: The same clip on disk.
        picture: Address of the usual reference image.
        key: Its API key at both.
        s3: The S3 server that results and journal are on; None leaves them on this disk.
    """

    emulator: Emulator
    folder: Path
    home: Path
    clip: str
    local_clip: Path
    picture: str
    key: str = "sk-of-the-guarantees"
    s3: S3Server | None = None

    @property
    def results(self) -> Path:
        """Where results and journal are when they are on this disk."""
        return self.folder / "results"

    @cached_property
    def store(self) -> Store:
        """Results and journal, wherever they are."""
        if self.s3 is None:
            return Store(str(self.results))
        bucket = f"team-{uuid.uuid4().hex[:12]}"
        self.s3.make_bucket(bucket)
        return Store(f"s3://{bucket}/results", self.s3.options)

    def job(self, name: str, *, provider: str = "dashscope", **fields: Any) -> dict[str, Any]:
        """Returns an edit whose prompt is its name, so that the provider's books tell jobs apart."""
        said = {"video": self.clip, "prompt": name, "name": name, "provider": provider}
        if provider == "apiyi":
            said["reference_images"] = [self.picture]
        return {**said, **fields}

    def manifest(self, *jobs: Mapping[str, Any], name: str = "jobs") -> str:
        path = self.folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(job)}\n" for job in jobs))
        return str(path)

    def start(
        self, *arguments: str, dying: Sequence[str] = (), failing: Sequence[str] = (), **environment: str
    ) -> Working:
        """Starts a command.

        Args:
            arguments: Of the command.
            dying: Moments that lead to its death; see `harm/sitecustomize.py`.
            failing: What goes wrong with its files; see there too.
            environment: What it is given besides.
        """
        own = {name: value for name, value in os.environ.items() if not name.startswith(_TEAMS_OWN)}
        own |= {
            "DASHSCOPE_API_KEY": self.key,
            "DASHSCOPE_HTTP_BASE_URL": self.emulator.dashscope_base_url,
            "APIYI_API_KEY": self.key,
            "APIYI_BASE_URL": self.emulator.apiyi_base_url,
            "RECUT_HOME": str(self.home),
            "RECUT_RESULTS": self.store.url,
            **(self.s3.environment() if self.s3 else {}),
            "RECUT_CLOCK_SCALE": str(self.emulator.config.clock_scale),
            "RECUT_SUBMITS_PER_SECOND": "1000",
            "RECUT_QUERIES_PER_SECOND": "1000",
            "RECUT_SERVER_IDLE_SECONDS": "15",
        }
        if dying or failing:
            own |= {"PYTHONPATH": str(HARM), "DIE_AT": "\n".join(dying), "FAIL_AT": "\n".join(failing)}
        return Working([RECUT, *arguments], own | environment, self.folder)

    def run(self, *arguments: str, failing: Sequence[str] = (), **environment: str) -> Done:
        """Runs a command to its end."""
        return self.start(*arguments, failing=failing, **environment).done()

    def batch(
        self, manifest: str, *arguments: str, failing: Sequence[str] = (), **environment: str
    ) -> dict[str, dict[str, Any]]:
        """Runs a batch to its end and returns what ``--json`` tells, by the jobs' names."""
        done = self.run("batch", manifest, "--json", *arguments, failing=failing, **environment)
        assert done.code in (0, 1), done.said
        return {job["name"]: job for job in done.json["jobs"]}

    def states(self) -> dict[str, str]:
        """Returns how every job of the journal stands, by name, as the journal is read back."""
        done = self.run("status", "--json")
        assert done.code == 0, done.said
        return {job["name"]: job["state"] for job in done.json["jobs"]}
