"""How many provider tasks to have alive beyond those that may run, so that the provider's slots stay full."""

import math

#: Share of its run that passes on average until an end is noticed and the next one is created, by the rule of looking.
_UNNOTICED = 0.03
_LEAST = 2


def beyond_running(running: int) -> int:
    """Returns how many should wait in the provider's own queue, which then hides our latency.

    So many slots as have ended unnoticed would be idle: their mean, and twice their deviation, as they come by chance.
    More would only expose more of what is paid for to a crash.

    Args:
        running: Slots of the account and model.
    """
    unnoticed = _UNNOTICED * running
    return max(_LEAST, math.ceil(unnoticed + 2 * math.sqrt(unnoticed)))
