"""How many provider tasks wait at the provider: few, and enough that no slot is idle."""

import heapq
import random

import pytest

from flows.rules.admission import beyond_running


@pytest.mark.parametrize(("running", "waiting"), [(1, 2), (5, 2), (20, 3), (50, 4), (100, 7), (500, 23)])
def test_a_small_account_has_two_more_waiting_and_a_large_one_a_few_in_a_hundred(running, waiting):
    assert beyond_running(running) == waiting


@pytest.mark.parametrize("running", [5, 20, 100, 500])
def test_ends_that_are_noticed_late_leave_hardly_a_slot_idle(running):
    assert _utilisation(running, beyond_running(running)) > 0.99


def test_without_any_waiting_every_late_notice_would_cost_a_slot():
    assert _utilisation(500, 0) < 0.98


def _utilisation(running: int, waiting: int) -> float:
    """Plays slots that take what waits at once, while an end is noticed after a 30th of the usual run on average."""
    chance = random.Random(1)
    rounds = 20 * running
    idle = waiting_now = 0
    busy = at = 0.0
    # Each event is the end of a run, or the moment it was noticed and the next one was created.
    events = [(chance.lognormvariate(0, 0.42), True) for _ in range(running)]
    heapq.heapify(events)
    waiting_now = waiting
    for _ in range(rounds):
        moment, is_end = heapq.heappop(events)
        busy += (running - idle) * (moment - at)
        at = moment
        if is_end:
            heapq.heappush(events, (moment + chance.uniform(0, 0.06), False))
            idle += 1
        else:
            waiting_now += 1
        while idle and waiting_now:
            idle, waiting_now = idle - 1, waiting_now - 1
            heapq.heappush(events, (moment + chance.lognormvariate(0, 0.42), True))
    return busy / running / at
