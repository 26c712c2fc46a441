"""The live board of a run: how many jobs stand at each stage, what is spent, what just went wrong."""

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flows.commands.messages import err, money, plain
from flows.planning.plan import PlannedJob
from flows.rules.budget import Cost, total
from flows.running.progress import Stage, Step

_ORDER = (
    Stage.PLANNED,
    Stage.WAITING,
    Stage.UPLOADING,
    Stage.CREATING,
    Stage.PENDING,
    Stage.RUNNING,
    Stage.PERSISTING,
    Stage.DONE,
    Stage.FAILED,
    Stage.HELD,
)
_ALIVE = (Stage.CREATING, Stage.PENDING, Stage.RUNNING, Stage.PERSISTING)
_TROUBLES_SHOWN = 3


class Board:
    """Shows a run's jobs while it runs: live on a terminal, as plain lines elsewhere.

    Args:
        plans: The jobs.
        quiet: Show nothing at all.
    """

    def __init__(self, plans: Sequence[PlannedJob], *, quiet: bool) -> None:
        self._stages: dict[str, Stage] = {plan.job_key or plan.name: Stage.PLANNED for plan in plans}
        self._costs: dict[str, Cost] = {plan.job_key or plan.name: plan.cost for plan in plans}
        self._spent: set[str] = set()
        self._troubles: list[str] = []
        self._quiet = quiet
        self._began = time.monotonic()
        self._live = Live(get_renderable=self._drawn, console=err, refresh_per_second=4, transient=True)

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
        before = self._stages.get(step.job_key)
        self._stages[step.job_key] = step.stage
        if step.cost is not None:
            self._costs[step.job_key] = step.cost
        if step.stage in (*_ALIVE, Stage.DONE):
            self._spent.add(step.job_key)
        elif step.stage is Stage.FAILED:
            self._spent.discard(step.job_key)
        if step.message is not None:
            self._troubles.append(f"{step.name}: {step.message}")
        if not self._quiet and not err.is_terminal and step.stage is not before:
            err.print(plain(f"{step.name}: {step.stage}"))

    @property
    def has_begun(self) -> bool:
        """Whether any job has gone further than its plan."""
        return any(stage is not Stage.PLANNED for stage in self._stages.values())

    def what_runs_on(self) -> str:
        """Returns what an interrupted run leaves behind."""
        alive = sum(stage in _ALIVE for stage in self._stages.values())
        if not alive:
            return "Interrupted; no provider task of this run is running."
        jobs = "1 job" if alive == 1 else f"{alive} jobs"
        return (
            f"Interrupted; {jobs} may have a provider task that runs on and is paid for. "
            "Run the same command again to pick them up: nothing is created twice."
        )

    def _drawn(self) -> Group:
        counts = Counter(self._stages.values())
        table = Table.grid(padding=(0, 2))
        table.add_row(*(Text(stage.value, style="dim") for stage in _ORDER if counts[stage]))
        table.add_row(*(Text(str(counts[stage]), style="bold") for stage in _ORDER if counts[stage]))
        spent = total(self._costs[key] for key in self._spent)
        left = total(cost for key, cost in self._costs.items() if key not in self._spent)
        seconds = time.monotonic() - self._began
        told = f"{int(seconds // 60)}:{int(seconds % 60):02}  under way and done: {money(spent)}"
        lines = [Text(told, style="dim"), Text(f"{' ' * told.index('under')}to come: {money(left)}", style="dim")]
        troubles = [Text(plain(text), style="yellow") for text in self._latest()]
        for trouble in troubles:
            # A terminal shows ^C behind the last line; were that one full, what is drawn would slip by a line.
            trouble.truncate(err.width - 3, overflow="ellipsis")
        return Group(table, *lines, *troubles)

    def _latest(self) -> list[str]:
        return self._troubles[-_TROUBLES_SHOWN:]
