"""What commands print: results on stdout, everything said along the way on stderr."""

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.plan import PlannedJob
from flows.reports import BatchReport, JobReport
from flows.rules.budget import Cost, total
from flows.rules.states import JobState
from flows.settings import Settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

#: How states are coloured; red where none is named.
STATE_STYLES = {JobState.PUBLISHED: "green", JobState.HELD: "yellow", JobState.RUNNING: "cyan"}


def plain(text: str) -> str:
    """Returns text without what could steer a terminal: control, escape and direction marks."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf") else char for char in text)


def complain(message: str) -> None:
    """Says what is wrong."""
    lines = [plain(line) for line in message.splitlines()] or [""]
    err.print(Text("recut: ", style="bold red") + Text("\n".join(lines)))


def print_json(value: dict[str, Any]) -> None:
    """Prints one JSON object, and nothing else, on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def explained(error: Exception) -> str:
    """Returns what an error that a person can cause says."""
    if isinstance(error, ValidationError):
        return _plain_problems(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _plain_problems(error: ValidationError) -> str:
    """Returns pydantic's complaints about settings, one a line, without the values: they may be keys."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in detail["loc"])
        if error.title == Settings.__name__ and name in Settings.model_fields:
            name = f"RECUT_{name.upper()}"
        text = detail["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {text}" if name else text)
    return "\n".join(lines)


def money(costs: Sequence[Cost]) -> str:
    """Returns sums of money as words."""
    return " + ".join(str(cost) for cost in costs) or "nothing"


def print_plans(plans: Sequence[PlannedJob]) -> None:
    """Shows plans: a table of what may run, and every problem of what may not."""
    fine = [plan for plan in plans if plan.ok]
    if fine:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("name", "provider", "model", "clip", "parameters"):
            table.add_column(column, overflow="fold")
        table.add_column("cost", justify="right")
        for plan in fine:
            seconds = "?" if plan.clip_seconds is None else f"{plan.clip_seconds:.1f} s"
            said = " ".join(f"{name}={value}" for name, value in plan.parameters.items())
            table.add_row(Text(plain(plan.name)), plan.provider, plan.model, seconds, said, str(plan.cost))
        out.print(table)
    print_problems(plans)
    count = f"{len(fine)} of {len(plans)} jobs can run" if len(fine) < len(plans) else f"{len(plans)} jobs"
    out.print(f"{count}, cost: {money(total(plan.cost for plan in fine))}. Nothing was created.")


def print_problems(plans: Sequence[PlannedJob]) -> None:
    """Shows every problem of every refused job."""
    for plan in plans:
        if plan.ok:
            continue
        label = f"{plan.label}: " if plan.label else ""
        err.print(Text("✗ ", style="red") + Text(f"{label}{'' if plan.label == plan.name else plain(plan.name)}"))
        for problem in plan.problems:
            err.print(Text(f"    {plain(str(problem))}"))


def print_report(report: BatchReport) -> None:
    """Shows how a run ended."""
    if not report.jobs:
        out.print("Nothing was left unfinished.")
        return
    for job in report.jobs:
        out.print(_line(job))
    created = f"{report.created} created in this run" if report.created else "nothing was created in this run"
    parts = [f"{report.succeeded} of {len(report.jobs)} published"]
    parts += [f"{report.failed} without result"] if report.failed else []
    parts += [f"{report.held} held"] if report.held else []
    out.print(f"{', '.join(parts)}; {created}; cost of what is published: {money(report.cost())}.")


def _line(job: JobReport) -> Text:
    style = STATE_STYLES.get(job.state, "red")
    mark = "✓ " if job.state is JobState.PUBLISHED else "✗ "
    line = Text(mark, style=style) + Text(plain(job.name), style="bold") + Text(f"  {job.state}", style=style)
    if job.result is not None:
        line += Text(f"  {plain(job.result)}  {job.cost}")
    if job.error is not None:
        line += Text(f"\n    {plain(job.error.message)}\n    → {plain(job.error.advice)}")
    return line
