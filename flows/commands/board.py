"""The live board of a run: redrawn in place on a terminal, plain lines elsewhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live

from flows.commands.drawing import drawn
from flows.commands.messages import err
from flows.planning.plan import PlannedJob
from flows.rules.plain import plain
from flows.running.progress import Stage, Step
from flows.running.tally import ENDED
from flows.telling.following import Following
from flows.telling.summary import ended, ends, money

_REDRAWS_PER_SECOND = 3
#: Where there is no terminal, so many lines sum up a run on its way, unless it has fewer jobs than that.
_SUMMED_UP = 10


class Board:
    """Shows a run's jobs while it runs.

    Args:
        plans: The jobs.
        quiet: Show nothing at all.
    """

    def __init__(self, plans: Sequence[PlannedJob], *, quiet: bool) -> None:
        self._following = Following()
        for plan in plans:
            self._following.see(Step(plan.job_key or plan.name, plan.name, Stage.PLANNED, plan.cost))
        self._quiet = quiet
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
        with self._following.at_rest() as tally:
            known = tally.jobs.get(step.job_key)
            before = known.stage if known else None
        self._following.see(step)
        if not self._quiet and not err.is_terminal and step.stage is not before:
            self._say(step)

    @property
    def has_begun(self) -> bool:
        """Whether any job has gone further than its plan."""
        with self._following.at_rest() as tally:
            return any(job.stage is not Stage.PLANNED for job in tally.jobs.values())

    def what_runs_on(self) -> str:
        """Returns what an interrupted run leaves behind."""
        with self._following.at_rest() as tally:
            alive = tally.alive()
        if not alive:
            return "Interrupted; this run itself leaves nothing running at the provider."
        jobs = "1 job" if alive == 1 else f"{alive} jobs"
        return (
            f"Interrupted; {jobs} may have a provider task that runs on and is paid for. "
            "Run the same command again to pick them up: nothing is created twice."
        )

    def _drawn(self) -> Group:
        with self._following.at_rest() as tally:
            return Group(*drawn(tally, self._following.now(), err.width, err.height))

    def _say(self, step: Step) -> None:
        err.print(plain(f"{step.name}: {step.stage}"))
        if step.stage not in ENDED:
            return
        with self._following.at_rest() as tally:
            over, jobs = tally.ended(), len(tally.jobs)
            if jobs < _SUMMED_UP or over * _SUMMED_UP // jobs == (over - 1) * _SUMMED_UP // jobs:
                return
            parts = [ended(tally), ends(tally, self._following.now())]
            parts.append(f"{money(tally.spent())} done and under way, {money(tally.to_come())} to come")
        err.print(plain(" · ".join(part for part in parts if part)))
