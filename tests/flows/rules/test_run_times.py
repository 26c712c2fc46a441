"""Run times learned from those seen: the catalogue's at first, the account's own in the end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.rules.offers import RunTimes, Source
from flows.rules.run_times import learned

CATALOGUE = RunTimes(median_seconds=200, p95_seconds=400, source=Source(page="a page", date="2026-11-20"))


def test_without_a_past_the_catalogue_is_expected():
    assert learned(CATALOGUE, []) == CATALOGUE


def test_many_runs_outweigh_the_catalogue():
    chance = random.Random(1)
    seen = [chance.lognormvariate(4.0, 0.2) for _ in range(400)]  # median e^4 = 54.6, p95 75.9
    times = learned(CATALOGUE, seen)
    assert times.median_seconds == pytest.approx(54.6, rel=0.05)
    assert times.p95_seconds == pytest.approx(75.9, rel=0.2)


def test_a_few_runs_move_the_expectation_and_widen_it():
    times = learned(CATALOGUE, [60, 62, 64])
    assert 62 < times.median_seconds < 200
    assert times.p95_seconds / times.median_seconds > 2


def test_runs_as_expected_change_little():
    times = learned(CATALOGUE, [150, 180, 200, 220, 270])
    assert times.median_seconds == pytest.approx(200, rel=0.03)
    assert times.p95_seconds == pytest.approx(400, rel=0.15)


@given(st.lists(st.floats(0, 1e5), max_size=80))
def test_whatever_was_seen_the_median_is_positive_and_below_the_95th_percentile(seen):
    times = learned(CATALOGUE, seen)
    assert 0 < times.median_seconds <= times.p95_seconds
