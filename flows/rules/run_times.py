"""How long an account's provider tasks run, learned from those that ended and from those that still run."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from flows.rules.offers import RunTimes

#: The catalogue's run times count like this many runs of the account's own.
WEIGHT_OF_CATALOGUE = 8

_NORMAL = NormalDist()
_Z95 = _NORMAL.inv_cdf(0.95)
_ROUNDS = 50
_ALL_BUT_CERTAIN = 6.0


def learned(catalogue: RunTimes, ended: Sequence[float], running: Sequence[float] = ()) -> RunTimes:
    """Returns the run times to expect, as a lognormal: the catalogue's and the account's own, blended by count.

    The first of many to end are the shortest. What those that began with them have run so far tells that they take
    longer: each counts as what it will take on average, found in rounds (Dempster, Laird and Rubin 1977, section 4.2).

    Args:
        catalogue: What is expected of an account without a past.
        ended: Run times seen, in provider seconds; the newest tell most, so older ones are best left out.
        running: How long others run so far, in provider seconds, that began no earlier than those that ended.
    """
    seen = [math.log(each) for each in ended if each > 0]
    so_far = [math.log(each) for each in running if each > 0]
    if not seen:
        return catalogue
    usual, spread = math.log(catalogue.median_seconds), catalogue.sigma
    total = WEIGHT_OF_CATALOGUE + len(seen) + len(so_far)
    mean, sigma = usual, spread
    for _ in range(_ROUNDS if so_far else 1):
        will_take = [_beyond(at, mean, sigma) for at in so_far]
        mean = (WEIGHT_OF_CATALOGUE * usual + sum(seen) + sum(each for each, _ in will_take)) / total
        # How far both lie from where they meet widens the spread: until enough is seen, either may be right.
        squares = WEIGHT_OF_CATALOGUE * (spread**2 + (usual - mean) ** 2) + sum((each - mean) ** 2 for each in seen)
        squares += sum(variance + (each - mean) ** 2 for each, variance in will_take)
        sigma = math.sqrt(squares / total)
    median = math.exp(mean)
    return RunTimes(median_seconds=median, p95_seconds=median * math.exp(sigma * _Z95), source=catalogue.source)


def _beyond(at: float, mean: float, sigma: float) -> tuple[float, float]:
    """Returns mean and variance of what is normally distributed, of the part that lies beyond a point."""
    z = min((at - mean) / sigma, _ALL_BUT_CERTAIN) if sigma else _ALL_BUT_CERTAIN
    hazard = _NORMAL.pdf(z) / _NORMAL.cdf(-z)
    return max(at, mean + sigma * hazard), sigma**2 * max(0.0, 1 + z * hazard - hazard**2)
