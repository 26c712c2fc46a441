"""Killing a command at one exact moment, found by what the provider sees or by what the command itself does next."""

import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deployments.emulator import Fault
from deployments.emulator.audit import Stage
from deployments.emulator.faults import Operation, When
from tests.guarantees.command import Done, Team, Working
from tests.s3 import S3Server

#: Whether the kill comes before or after an upload is acted on, and the pattern of its path.
Upload = tuple[Literal["before", "after"], str]
#: Seconds a moment may take to come.
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Moment:
    """A moment of a job's life at which its process is killed.

    Attributes:
        told: What it is, in words.
        records: Kinds of journal records that stand by then.
        made: How many provider tasks the job has by then.
        fault: What the emulator does that makes the moment last; the moment is then seen from outside.
        awaited: Which requests have to come in, or be decided on, how often.
        dying: The audit events that lead to it, where nothing outside shows it.
        upload: The same moment where results and journal are on S3: before or after which upload is acted on.
        provider: Who runs the job.
        local: Whether the clip is a file, which has to be uploaded.
    """

    told: str
    records: tuple[str, ...] = ()
    made: int = 0
    fault: Mapping[str, Any] | None = None
    awaited: tuple[Operation, Stage, int] | None = None
    dying: tuple[str, ...] = ()
    upload: Upload | None = None
    provider: str = "dashscope"
    local: bool = False

    @property
    def name(self) -> str:
        """Name and prompt of the job that meets it."""
        return self.told.replace(" ", "-")

    def job(self, team: Team) -> dict[str, Any]:
        """Returns the job that meets it."""
        video = team.clip
        if self.local:
            video = str(shutil.copy(team.local_clip, team.folder))
        return team.job(self.name, provider=self.provider, video=video)


def kill(team: Team, moment: Moment, *arguments: str, **environment: str) -> None:
    """Starts a command and kills it at the moment; what held the provider up is over afterwards."""
    if moment.fault is not None:
        team.emulator.set_faults([Fault.model_validate({"prompt": moment.name, **moment.fault})])
    if team.s3 is not None and moment.upload is not None:
        ended = _killed_while_held(team.s3, moment.upload, lambda: team.start(*arguments, **environment))
    elif moment.awaited is not None:
        ended = _killed_when_seen(team, moment.awaited, lambda: team.start(*arguments, **environment))
    else:
        ended = team.start(*arguments, dying=moment.dying, **environment).done()
    team.emulator.set_faults([])
    assert ended.code == -signal.SIGKILL, f"it never came to {moment.told!r}: {ended.said}"


def _killed_while_held(
    s3: S3Server, upload: tuple[Literal["before", "after"], str], start: Callable[[], Working]
) -> Done:
    s3.hold(*upload)
    working = start()
    came = s3.await_held(PATIENCE_SECONDS)
    ended = working.stop(signal.SIGKILL if came else signal.SIGTERM)
    s3.let_go()
    s3.forgive()
    return ended


def _killed_when_seen(team: Team, awaited: tuple[Operation, Stage, int], start: Callable[[], Working]) -> Done:
    operation, stage, count = awaited
    ends = [end for name, end in team.emulator.counters().operations.items() if name.endswith(f" {operation}")]
    so_far = sum(end.received if stage == "received" else sum(end.outcomes.values()) for end in ends)
    working = start()
    try:
        team.emulator.wait(operation=operation, stage=stage, count=so_far + count)
    except TimeoutError:
        return working.stop(signal.SIGTERM)
    return working.stop()


def hang(operation: Operation, when: When = "before") -> dict[str, Any]:
    """Returns the fault that never answers: before a request is acted on, or after."""
    return {"operation": operation, "does": {"kind": "hang", "when": when}}
