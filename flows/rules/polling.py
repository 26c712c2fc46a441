"""When to look at a provider task next.

Looks cost little but are limited; a result found late keeps one of the few slots idle. The least mean delay for a
given number of looks comes from a density of looks that follows the square root of the hazard of finishing
(Keller 1974, Management Science 21:256): none while nothing can be ready, densest when most are.
"""

import math
from functools import lru_cache
from statistics import NormalDist

from flows.rules.offers import Quotas, RunTimes
from flows.rules.states import ProviderState

#: Expected looks per provider task: beyond about a dozen, each further one saves less than a second.
EXPECTED_LOOKS = 11
#: Moderation and bad input fail within seconds; looking early then gives the slot back at once.
EARLY_LOOKS_SECONDS = (3.0, 10.0, 25.0)
#: While a provider task queues, nothing can be ready; this only notices that it started.
PENDING_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 30.0

_NORMAL = NormalDist()
_STEPS = 400


def wait_before_next_look(
    *, state: ProviderState, since_submit: float, since_running: float | None, times: RunTimes, quotas: Quotas
) -> float:
    """Returns how many provider seconds to wait before the next look.

    Args:
        state: What the last look saw; PENDING before the first one.
        since_submit: Provider seconds since the provider task was created.
        since_running: Provider seconds since RUNNING was first seen, None before that.
        times: Run times to expect.
        quotas: The account's limits; its shortest interval is never undercut.
    """
    early = next((look for look in EARLY_LOOKS_SECONDS if look > since_submit + 0.5), None)
    if state is ProviderState.PENDING or since_running is None:
        wait = PENDING_SECONDS
    else:
        wait = _wait_while_running(since_running, times)
    if early is not None:
        wait = min(wait, early - since_submit)
    return max(quotas.min_poll_seconds, min(LONGEST_WAIT_SECONDS, wait))


def _wait_while_running(elapsed: float, times: RunTimes) -> float:
    earliest = _quantile(0.05, times)
    if elapsed < earliest:
        return earliest - elapsed
    # The density is read half an interval ahead, where the look falls on average.
    interval = 1 / _density(elapsed, times)
    return 1 / _density(elapsed + interval / 2, times)


def _sigma(times: RunTimes) -> float:
    return max(0.05, math.log(times.p95_seconds / times.median_seconds) / _NORMAL.inv_cdf(0.95))


def _quantile(share: float, times: RunTimes) -> float:
    return times.median_seconds * math.exp(_sigma(times) * _NORMAL.inv_cdf(share))


def _density(at: float, times: RunTimes) -> float:
    """Looks per second: proportional to the square root of the hazard of a lognormal run time."""
    density, survival = _lognormal(at, times)
    hazard = density / max(survival, 1e-9)
    return max(1 / LONGEST_WAIT_SECONDS, EXPECTED_LOOKS * math.sqrt(hazard) / _norm(times))


def _lognormal(at: float, times: RunTimes) -> tuple[float, float]:
    sigma = _sigma(times)
    z = math.log(at / times.median_seconds) / sigma
    return _NORMAL.pdf(z) / (at * sigma), 1 - _NORMAL.cdf(z)


@lru_cache
def _norm(times: RunTimes) -> float:
    """The integral of sqrt(f·S), which scales the density to the expected number of looks."""
    low, high = _quantile(0.0005, times), _quantile(0.9995, times)
    step = (high - low) / _STEPS
    points = (low + step * (index + 0.5) for index in range(_STEPS))
    return step * sum(math.sqrt(density * survival) for density, survival in (_lognormal(p, times) for p in points))
