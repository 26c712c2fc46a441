"""What commands print: results on stdout, everything said along the way on stderr."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from flows.planning.plan import PlannedJob
from flows.rules.budget import total
from flows.rules.plain import plain, steers
from flows.rules.states import JobState
from flows.running.progress import Stage
from flows.running.settings import Settings
from flows.telling.reports import BatchReport, JobReport
from flows.telling.summary import money

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

#: How states are coloured; red where none is named.
STATE_STYLES = {JobState.PUBLISHED: "green", JobState.HELD: "yellow", JobState.RUNNING: "cyan"}
#: How stages are coloured; not at all where none is named.
STAGE_STYLES = {Stage.RUNNING: "bold cyan", Stage.PERSISTING: "bold green"}


def busy(what: str) -> AbstractContextManager[object]:
    """Shows on a terminal what a person waits for, for as long as the context lasts."""
    return err.status(what) if err.is_terminal else nullcontext()


def complain(message: str) -> None:
    """Says what is wrong."""
    lines = [plain(line) for line in message.splitlines()] or [""]
    err.print(Text("recut: ", style="bold red") + Text("\n".join(lines)))


def print_json(value: dict[str, Any]) -> None:
    """Prints one JSON object, and nothing else, on stdout; what could steer a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    print("".join(json.dumps(char)[1:-1] if char != "\n" and steers(char) else char for char in text))


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


def tell(console: Console, text: str | Text, *, indent: int = 0, style: str = "") -> None:
    """Prints a line: a terminal wraps it at words, under its indent; elsewhere it stays whole."""
    line = Text(plain(text), style=style) if isinstance(text, str) else text
    lines = line.wrap(console, max(20, console.width - indent)) if console.is_terminal else [line]
    for part in lines:
        console.print(Text(" " * indent) + part)


def print_plans(plans: Sequence[PlannedJob]) -> None:
    """Shows what may run and what it costs, and every problem of what may not."""
    fine = [plan for plan in plans if plan.ok]
    for plan in fine:
        seconds = "unknown length" if plan.clip_seconds is None else f"{plan.clip_seconds:.1f} s"
        tell(out, Text(plain(plan.name), style="bold") + Text(f"  {plan.model}  {seconds}  {plan.cost}"))
        said = " ".join(f"{name}={_as_written(value)}" for name, value in plan.parameters.items())
        tell(out, f"at {plan.provider} in {plan.region}: {said}", indent=4, style="dim")
    print_problems(plans)
    cost = f"cost: {money(total(plan.cost for plan in fine))}. Nothing was created."
    if len(fine) == len(plans):
        out.print(f"{counted(len(plans), 'job')}, {cost}")
    else:
        whole = " A batch starts only when all can." if fine else ""
        tell(out, f"{len(fine)} of {counted(len(plans), 'job')} can run, {cost}{whole}")


def print_problems(plans: Sequence[PlannedJob]) -> None:
    """Shows every problem of every refused job."""
    for plan in plans:
        if plan.ok:
            continue
        names = [plan.label, plan.name] if plan.job is not None else [plan.label or "the job"]
        err.print(Text("✗ ", style="red") + Text(plain(": ".join(name for name in names if name))))
        for problem in plan.problems:
            tell(err, str(problem), indent=4)


def print_report(report: BatchReport) -> None:
    """Shows how a run ended."""
    # What needs somebody stands last, where a long report can still be seen.
    for job in sorted(report.jobs, key=lambda job: job.state is not JobState.PUBLISHED):
        _print_job(job)
    parts = [f"{report.succeeded} of {len(report.jobs)} published"]
    parts += [f"{report.failed} without result"] if report.failed else []
    parts += [f"{report.held} held, which may be billed"] if report.held else []
    none = "nothing else was created in this run" if report.held else "nothing was created in this run"
    parts = [", ".join(parts), f"{report.created} created in this run" if report.created else none]
    tell(out, f"{'; '.join(parts)}; cost of what is published: {money(report.cost())}.")


def _print_job(job: JobReport) -> None:
    style = STATE_STYLES.get(job.state, "red")
    mark = "✓ " if job.state is JobState.PUBLISHED else "✗ "
    line = Text(mark, style=style) + Text(plain(job.name), style="bold") + Text(f"  {job.state}", style=style)
    if job.result is not None:
        line += Text(f"  {plain(job.result)}  {job.cost}")
    tell(out, line)
    for note in job.notes:
        tell(out, f"worth a look: {note}", indent=4, style="yellow")
    if job.error is not None:
        tell(out, job.error.message, indent=4)
        tell(out, f"→ {job.error.advice}", indent=4)


def counted(number: int, noun: str) -> str:
    """Returns a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_written(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
