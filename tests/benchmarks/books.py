"""What the provider's books say of a run: how full its slots were, how late the looks were, against the bounds."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, mean

from deployments.emulator.audit import AuditEntry

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Reading:
    """One run, in provider seconds.

    Attributes:
        makespan: From the first create to the end of the last provider task.
        lower_bound: What no order at all can beat: all run times over all slots, or the longest.
        ideal: What the same run times take in the same order when every freed slot is filled at once.
        utilisation: How full the slots were until no provider task was left to start.
        polls: Looks per provider task.
        delay: Mean time from the end of a provider task to the look that told it.
    """

    makespan: float
    lower_bound: float
    ideal: float
    utilisation: float
    polls: float
    delay: float


def read(tasks: Sequence[AuditEntry], slots: int) -> Reading:
    """Reads the books of a run in which every provider task succeeded."""
    assert all(task.status == "SUCCEEDED" for task in tasks), {task.status for task in tasks}
    spans = sorted((task.started_at or 0, task.ended_at or 0) for task in tasks)
    runs = [end - start for start, end in spans]
    first, last_start = min(task.submitted_at for task in tasks), spans[-1][0]
    busy = sum(min(end, last_start) - start for start, end in spans)
    return Reading(
        makespan=max(end for _, end in spans) - first,
        lower_bound=max(sum(runs) / slots, max(runs)),
        ideal=_filled_at_once(runs, slots),
        utilisation=busy / slots / (last_start - first) if last_start > first else 1,
        polls=mean(task.polls for task in tasks),
        delay=mean((task.told_over_at or math.inf) - (task.ended_at or 0) for task in tasks),
    )


def least_delay(polls: float, median: float, p95: float) -> float:
    """Returns the least mean delay that so many looks allow: (∫√(f·S))² / 2P for a lognormal run time."""
    sigma = math.log(p95 / median) / _NORMAL.inv_cdf(0.95)
    steps, area = 20_000, 0.0
    width = 16 * sigma / steps
    for index in range(steps):
        z = (-8 * sigma + (index + 0.5) * width) / sigma
        at = median * math.exp(z * sigma)
        density, survival = _NORMAL.pdf(z) / (at * sigma), 1 - _NORMAL.cdf(z)
        area += math.sqrt(density * max(0.0, survival)) * at * width
    return area**2 / (2 * polls)


def _filled_at_once(runs: Sequence[float], slots: int) -> float:
    free = [0.0] * min(slots, len(runs))
    for run in runs:
        heapq.heapreplace(free, free[0] + run)
    return max(free)
