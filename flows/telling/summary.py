"""How a run that is under way is said in a few words, on the terminal and in the Prefect UI alike. Pure."""

from collections.abc import Sequence

from flows.rules.budget import Cost
from flows.running.progress import Stage
from flows.running.tally import Tally


def money(costs: Sequence[Cost]) -> str:
    """Returns sums of money as words."""
    return " + ".join(str(cost) for cost in costs) or "nothing"


def edits(number: int) -> str:
    """Returns a number of edits in words."""
    return "1 edit" if number == 1 else f"{number} edits"


def ended(tally: Tally) -> str:
    """Returns how many jobs are over, and how they ended."""
    counts = tally.counts()
    parts = [f"{counts[Stage.DONE]} of {len(tally.jobs)} published"]
    parts += [f"{counts[Stage.FAILED]} failed"] if counts[Stage.FAILED] else []
    parts += [f"{counts[Stage.HELD]} held"] if counts[Stage.HELD] else []
    return " · ".join(parts)


def ends(tally: Tally, now: float) -> str:
    """Returns when the last job will be over, as far as that can be told; empty once it is."""
    if tally.ended() == len(tally.jobs):
        return ""
    left = tally.seconds_left(now)
    return "" if left is None else f"ends in {about(left)}"


def about(seconds: float) -> str:
    """Returns a length of time as one says it of what is only estimated."""
    if seconds < 55:
        return f"about {max(5, round(seconds / 5) * 5)} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60} min"


def stopwatch(seconds: float) -> str:
    """Returns a length of time as a stopwatch shows it: ``0:42``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
