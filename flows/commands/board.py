"""The live board of a run: redrawn in place on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live

from flows.commands.drawing import drawn
from flows.commands.messages import err, plain
from flows.planning.plan import PlannedJob
from flows.running.progress import Stage, Step
from flows.running.tally import ENDED, Tally
from flows.telling.summary import ended, ends, money

_REDRAWS_PER_SECOND = 3
#: Where there is no terminal, a line sums up each time so many more in a hundred of the jobs are over.
_SUMMED_UP_EVERY = 10


class Board:
    """Shows a run's jobs while it runs.

    Args:
        plans: The jobs.
        quiet: Show nothing at all.
    """

    def __init__(self, plans: Sequence[PlannedJob], *, quiet: bool) -> None:
        self._began = time.monotonic()
        self._tally = Tally()
        for plan in plans:
            self._tally.see(Step(plan.job_key or plan.name, plan.name, Stage.PLANNED, plan.cost), 0)
        self._quiet = quiet
        # Steps come from the thread the flow runs on, redraws from one of the terminal's.
        self._lock = threading.Lock()
        self._live = Live(
            get_renderable=self._drawn, console=err, refresh_per_second=_REDRAWS_PER_SECOND, transient=True
        )

    def __enter__(self) -> Self:
        if not self._quiet and err.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def see(self, step: Step) -> None:
        """Takes note of a step."""
        with self._lock:
            known = self._tally.jobs.get(step.job_key)
            before = known.stage if known else None
            self._tally.see(step, self._now())
        if not self._quiet and not err.is_terminal and step.stage is not before:
            self._say(step)

    @property
    def has_begun(self) -> bool:
        """Whether any job has gone further than its plan."""
        return any(job.stage is not Stage.PLANNED for job in self._tally.jobs.values())

    def what_runs_on(self) -> str:
        """Returns what an interrupted run leaves behind."""
        alive = self._tally.alive()
        if not alive:
            return "Interrupted; no provider task of this run is running."
        jobs = "1 job" if alive == 1 else f"{alive} jobs"
        return (
            f"Interrupted; {jobs} may have a provider task that runs on and is paid for. "
            "Run the same command again to pick them up: nothing is created twice."
        )

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _drawn(self) -> Group:
        with self._lock:
            return Group(*drawn(self._tally, self._now(), err.width, err.height))

    def _say(self, step: Step) -> None:
        err.print(plain(f"{step.name}: {step.stage}"))
        if step.stage not in ENDED:
            return
        with self._lock:
            over, jobs = self._tally.ended(), len(self._tally.jobs)
            if over * _SUMMED_UP_EVERY // jobs == (over - 1) * _SUMMED_UP_EVERY // jobs:
                return
            parts = [ended(self._tally), ends(self._tally, self._now())]
            spent, left = money(self._tally.spent()), money(self._tally.to_come())
        parts += [f"{spent} done and under way, {left} to come"]
        err.print(plain(" · ".join(part for part in parts if part)))
