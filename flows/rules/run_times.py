"""How long an account's provider tasks run, learned from those that ended."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean

from flows.rules.offers import RunTimes

#: The catalogue's run times count like this many runs of the account's own.
WEIGHT_OF_CATALOGUE = 8

_Z95 = NormalDist().inv_cdf(0.95)


def learned(catalogue: RunTimes, seconds: Sequence[float]) -> RunTimes:
    """Returns the run times to expect, as a lognormal: the catalogue's and the account's own, blended by count.

    Args:
        catalogue: What is expected of an account without a past.
        seconds: Run times seen, in provider seconds; the newest tell most, so older ones are best left out.
    """
    seen = [math.log(each) for each in seconds if each > 0]
    if not seen:
        return catalogue
    mean, spread = math.log(catalogue.median_seconds), math.log(catalogue.p95_seconds / catalogue.median_seconds) / _Z95
    total = WEIGHT_OF_CATALOGUE + len(seen)
    own = fmean(seen)
    blended = (WEIGHT_OF_CATALOGUE * mean + len(seen) * own) / total
    # How far both lie from where they meet widens the spread: until enough is seen, either may be right.
    squares = WEIGHT_OF_CATALOGUE * (spread**2 + (mean - blended) ** 2) + sum((each - blended) ** 2 for each in seen)
    median = math.exp(blended)
    p95 = median * math.exp(math.sqrt(squares / total) * _Z95)
    return RunTimes(median_seconds=median, p95_seconds=p95, source=catalogue.source)
