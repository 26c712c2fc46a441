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


@pytest.mark.parametrize("ended_by", [40, 50, 60, 100])
def test_the_first_of_many_to_end_do_not_pass_for_the_usual(ended_by):
    chance = random.Random(1)
    runs = [chance.lognormvariate(4.0, 0.4) for _ in range(500)]  # median e^4 = 54.6, p95 105.4
    ended = [run for run in runs if run <= ended_by]
    usual = CATALOGUE.model_copy(update={"median_seconds": 80, "p95_seconds": 160})
    times = learned(usual, ended, [ended_by] * (len(runs) - len(ended)))
    assert times.median_seconds == pytest.approx(54.6, rel=0.1)
    assert times.p95_seconds == pytest.approx(105.4, rel=0.15)
    assert learned(usual, ended).p95_seconds < times.p95_seconds


def test_what_runs_for_long_already_widens_the_expectation():
    assert learned(CATALOGUE, [200] * 20, [900] * 5).p95_seconds > learned(CATALOGUE, [200] * 20).p95_seconds


@given(st.lists(st.floats(0, 1e5), max_size=80), st.lists(st.floats(-10, 1e5), max_size=80))
def test_whatever_was_seen_the_median_is_positive_and_below_the_95th_percentile(seen, running):
    times = learned(CATALOGUE, seen, running)
    assert 0 < times.median_seconds <= times.p95_seconds
