"""Draws a run that is under way into the lines and columns a terminal has; nothing ever wraps or scrolls."""

from rich.cells import cell_len
from rich.text import Text

from flows.commands.messages import STAGE_STYLES
from flows.rules.plain import plain
from flows.running.progress import Stage
from flows.running.tally import Tally
from flows.telling.summary import ended, ends, money, stopwatch

#: The columns of the first table, in the order jobs travel.
_ON_THE_WAY = (
    Stage.PLANNED,
    Stage.WAITING,
    Stage.UPLOADING,
    Stage.CREATING,
    Stage.PENDING,
    Stage.RUNNING,
    Stage.PERSISTING,
)
_MARGIN = " "
_BETWEEN = "  "
_JOBS_SHOWN = 8
_PROBLEMS_SHOWN = 4
#: Columns of a label such as "slots", and of a job's stage and time.
_LABEL, _STAGE, _TIME = 7, 11, 8
#: Columns a problem's job may take of the line: what happened matters more.
_NAME = 24
#: A terminal shows ^C behind the last line; were that one full, what is drawn would slip by a line.
_SPARE = 3


def drawn(tally: Tally, now: float, width: int, height: int) -> list[Text]:
    """Returns the lines that show how a run stands.

    Args:
        tally: What its steps add up to.
        now: Seconds since it began, on the tally's clock.
        width: Columns of the terminal; no line is wider.
        height: Lines of the terminal; fewer are returned.
    """
    head = [_headline(tally, now), _bar(tally, width), Text(""), *_stages(tally), Text(""), *_facts(tally)]
    problems = _problems(tally)
    room = height - 1 - len(head) - len(problems)
    lines = head + _under_way(tally, now, width, room) + problems
    for line in lines:
        line.truncate(max(1, width - _SPARE), overflow="ellipsis")
    return lines[: height - 1]


def _headline(tally: Tally, now: float) -> Text:
    parts = [stopwatch(now), ended(tally), *([told] if (told := ends(tally, now)) else [])]
    return Text(_MARGIN + " · ".join(parts), style="bold")


def _bar(tally: Tally, width: int) -> Text:
    """One cell per share of the jobs: published, stopped, under way, still to come."""
    counts = tally.counts()
    stopped = counts[Stage.FAILED] + counts[Stage.HELD]
    shares = [(counts[Stage.DONE], "green"), (stopped, "red"), (tally.alive(), "cyan")]
    room = max(1, width - _SPARE - 2 * len(_MARGIN))
    bar, told, reached = Text(_MARGIN), 0, 0
    for count, style in shares:
        told += count
        upto = round(room * told / max(1, len(tally.jobs)))
        bar.append("━" * (upto - reached), style=style)
        reached = upto
    return bar.append("━" * (room - reached), style="bright_black")


def _stages(tally: Tally) -> list[Text]:
    counts = tally.counts()
    names, numbers = Text(_MARGIN), Text(_MARGIN)
    for stage in _ON_THE_WAY:
        names.append(f"{stage}{_BETWEEN}", style="dim")
        style = STAGE_STYLES.get(stage, "bold") if counts[stage] else "dim"
        numbers.append(f"{counts[stage] or '·'}".rjust(len(stage)) + _BETWEEN, style=style)
    return [names, numbers]


def _facts(tally: Tally) -> list[Text]:
    lines = [(f"{held} of {lane.slots} in use", lane.name) for lane, held in tally.lanes()]
    facts = [_fact("slots", f"{use.ljust(max(len(use) for use, _ in lines))}{_BETWEEN}{name}") for use, name in lines]
    facts.append(_fact("money", f"{money(tally.spent())}, done and under way"))
    return [*facts, _fact("", f"{money(tally.to_come())} to come")]


def _fact(label: str, text: str) -> Text:
    return Text(_MARGIN) + Text(label.ljust(_LABEL), style="dim") + Text(plain(text))


def _under_way(tally: Tally, now: float, width: int, room: int) -> list[Text]:
    """The jobs with a provider task that began first, as many as there is room for."""
    jobs = tally.under_way()[: min(_JOBS_SHOWN, room - 1)]
    if not jobs:
        return []
    named = max(8, width - _SPARE - _STAGE - _TIME - 4)
    lines = [Text("")]
    for job in jobs:
        name = _short(job.name, named)
        padding = " " * (named - cell_len(name.plain))
        stage = Text(job.stage.ljust(_STAGE), style=STAGE_STYLES.get(job.stage, ""))
        lines.append(Text(_MARGIN) + name + padding + _BETWEEN + stage + stopwatch(now - job.since).rjust(_TIME))
    return lines


def _problems(tally: Tally) -> list[Text]:
    latest = tally.problems[-_PROBLEMS_SHOWN:]
    if not latest:
        return []
    told = f"{len(tally.problems)} problems, the latest:" if len(tally.problems) > len(latest) else "problems:"
    lines = [Text(""), Text(_MARGIN + told, style="dim")]
    for name, message in latest:
        lines.append(Text(_MARGIN) + _short(name, _NAME) + Text(plain(f": {message}"), style="yellow"))
    return lines


def _short(name: str, width: int) -> Text:
    text = Text(plain(name))
    text.truncate(width, overflow="ellipsis")
    return text
