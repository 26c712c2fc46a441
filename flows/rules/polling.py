"""When to look at a provider task next.

Looks cost little but are limited; a result found late keeps one of the few slots idle. The least mean delay for a
given number of looks comes from a density of looks that follows the square root of the hazard of finishing
(Keller 1974, Management Science 21:256): none while nothing can be ready, densest when most are.
"""

import math
from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from flows.rules.offers import Quotas, RunTimes
from flows.rules.states import ProviderState

#: Expected looks per provider task once it runs: beyond that, each further one saves a tenth of a second.
EXPECTED_LOOKS = 16
#: Bad input and much of moderation fail within seconds; one look then gives the slot back at once.
FIRST_LOOK_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
#: Once a run is longer than any that is expected, how much longer it gets between two looks.
BEYOND_EXPECTATION = 0.1

_NORMAL = NormalDist()
_STEPS = 1000
_LEAST_SIGMA = 0.05


def wait_before_next_look(
    *, state: ProviderState, since_submit: float, since_running: float | None, times: RunTimes, quotas: Quotas
) -> float:
    """Returns how many provider seconds to wait before the next look.

    Args:
        state: What the last look saw; PENDING before the first one.
        since_submit: Provider seconds since the provider task was created.
        since_running: Provider seconds since it started to run, or since that was first seen; None before that.
        times: Run times to expect.
        quotas: The account's limits; its shortest interval is never undercut.
    """
    if since_submit < FIRST_LOOK_SECONDS:
        wait = FIRST_LOOK_SECONDS - since_submit
    elif state is ProviderState.PENDING or since_running is None:
        wait = quantile(0.05, times)  # even if it starts right now, nothing can be ready before
    else:
        wait = _wait_while_running(since_running, times)
    return max(quotas.min_poll_seconds, min(LONGEST_WAIT_SECONDS, wait))


def quantile(share: float, times: RunTimes) -> float:
    """Returns by how many seconds this share of runs is over."""
    return times.median_seconds * math.exp(_sigma(times) * _NORMAL.inv_cdf(share))


def _wait_while_running(elapsed: float, times: RunTimes) -> float:
    """Waits for as long as the density of looks adds up to one more."""
    moments, looks = _schedule(times)
    due = _at(elapsed, moments, looks) + 1
    if elapsed >= moments[-1] or due >= looks[-1]:
        return BEYOND_EXPECTATION * elapsed
    return _at(due, looks, moments) - elapsed


@lru_cache
def _schedule(times: RunTimes) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns moments of a run, and how many looks are due by each: from none to those of the longest runs."""
    sigma = _sigma(times)
    ends = [_NORMAL.inv_cdf(0.0005) * (1 - 2 * index / _STEPS) for index in range(_STEPS + 1)]
    norm, hazards = 0.0, [0.0]
    for low, high in pairwise(ends):
        z = (low + high) / 2
        # In z the step is even; in time it is median · e^(sigma·z) · sigma · dz, and f·dt is pdf(z)·dz.
        second = times.median_seconds * math.exp(sigma * z) * sigma
        density, survival, step = _NORMAL.pdf(z) / second, _NORMAL.cdf(-z), second * (high - low)
        norm += math.sqrt(density * survival) * step
        hazards.append(hazards[-1] + math.sqrt(density / survival) * step)
    moments = tuple(times.median_seconds * math.exp(sigma * z) for z in ends)
    return moments, tuple(EXPECTED_LOOKS / norm * hazard for hazard in hazards)


def _at(value: float, along: tuple[float, ...], across: tuple[float, ...]) -> float:
    """Reads a table between its rows."""
    index = min(max(bisect_left(along, value), 1), len(along) - 1)
    share = (value - along[index - 1]) / (along[index] - along[index - 1])
    return across[index - 1] + max(0.0, share) * (across[index] - across[index - 1])


def _sigma(times: RunTimes) -> float:
    return max(_LEAST_SIGMA, times.sigma)
