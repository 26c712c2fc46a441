"""When to look next: never too often, never too late, and nearly as good as mathematics allows."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from statistics import NormalDist, fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.rules.catalog import GATEWAY, SINGAPORE, Catalog
from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import Offer, Quotas, RunTimes, Source
from flows.rules.polling import EXPECTED_LOOKS, FIRST_LOOK_SECONDS, LONGEST_WAIT_SECONDS, wait_before_next_look
from flows.rules.states import ProviderState

NORMAL = NormalDist()
SOURCE = Source(page="here", date="2026-11-20")
OFFERS = [
    Catalog().offer(Provider.DASHSCOPE, WAN, SINGAPORE),
    Catalog().offer(Provider.DASHSCOPE, HAPPYHORSE, SINGAPORE),
    Catalog().offer(Provider.APIYI, WAN, GATEWAY),
    Catalog().offer(Provider.APIYI, HAPPYHORSE, GATEWAY),
]
offers = pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: f"{offer.provider} {offer.model}")


def run_times(median: float, p95: float) -> RunTimes:
    return RunTimes(median_seconds=median, p95_seconds=p95, source=SOURCE)


def quotas(min_poll_seconds: float) -> Quotas:
    return OFFERS[0].quotas.model_copy(update={"min_poll_seconds": min_poll_seconds})


class Lognormal:
    """The run times an offer expects, written down independently of the rule."""

    def __init__(self, times: RunTimes) -> None:
        self.median = times.median_seconds
        self.sigma = math.log(times.p95_seconds / times.median_seconds) / NORMAL.inv_cdf(0.95)

    def quantile(self, share: float) -> float:
        return self.median * math.exp(self.sigma * NORMAL.inv_cdf(share))

    def sample(self, count: int) -> list[float]:
        return [self.quantile((index + 0.5) / count) for index in range(count)]

    def least_delay(self, looks: float) -> float:
        """The least mean delay for a number of looks: (∫√(f·S) dt)² / 2P (Keller 1974)."""
        count, end = 20_000, 20 * self.median
        step = end / count
        points = (math.log((index + 0.5) * step / self.median) / self.sigma for index in range(count))
        # f·S at t is pdf(z)·(1 - cdf(z)) / (t·sigma), with t = median·e^(sigma·z).
        roots = (
            math.sqrt(NORMAL.pdf(z) * NORMAL.cdf(-z) / (self.median * math.exp(self.sigma * z) * self.sigma))
            for z in points
        )
        return (step * sum(roots)) ** 2 / (2 * looks)


def looks(offer: Offer) -> Iterator[float]:
    """When an edit that never ends is looked at, in seconds since it was created and began to run."""
    at = 0.0
    while True:
        at += wait_before_next_look(
            state=ProviderState.RUNNING, since_submit=at, since_running=at, times=offer.run_times, quotas=offer.quotas
        )
        yield at


def looks_until(offer: Offer, end: float) -> list[float]:
    made = []
    for at in looks(offer):
        made.append(at)
        if at >= end:
            return made
    raise AssertionError


@offers
def test_the_mean_delay_is_within_10_percent_of_the_least_possible_for_all_looks_made(offer):
    expected = Lognormal(offer.run_times)
    runs = expected.sample(5_000)
    made = looks_until(offer, runs[-1])
    first = [bisect_left(made, run) for run in runs]
    delay = fmean(made[index] - run for index, run in zip(first, runs, strict=True))
    assert delay <= 1.10 * expected.least_delay(fmean(index + 1 for index in first))


@offers
def test_about_as_many_looks_are_made_as_expected(offer):
    runs = Lognormal(offer.run_times).sample(5_000)
    made = looks_until(offer, runs[-1])
    total = fmean(bisect_left(made, run) + 1 for run in runs)
    # One more that comes early, and one at most on the way to when the first edits can be ready.
    assert EXPECTED_LOOKS <= total <= EXPECTED_LOOKS + 2.5


@offers
def test_the_first_look_comes_early_because_refusals_do(offer):
    assert next(looks(offer)) == FIRST_LOOK_SECONDS


@offers
def test_looks_are_densest_where_most_edits_end(offer):
    expected = Lognormal(offer.run_times)
    made = looks_until(offer, expected.quantile(0.99))

    def gap(share: float) -> float:
        index = bisect_left(made, expected.quantile(share))
        return made[index] - made[index - 1]

    assert gap(0.6) < gap(0.08)
    assert gap(0.6) < LONGEST_WAIT_SECONDS / 2


@given(
    state=st.sampled_from([ProviderState.PENDING, ProviderState.RUNNING]),
    since_submit=st.floats(0, 86_400),
    since_running=st.none() | st.floats(0, 86_400),
    median=st.floats(1, 7_200),
    spread=st.floats(1, 6),
    least=st.floats(0.1, 60),
)
def test_no_wait_is_under_the_providers_minimum_or_endless(state, since_submit, since_running, median, spread, least):
    wait = wait_before_next_look(
        state=state,
        since_submit=since_submit,
        since_running=since_running,
        times=run_times(median, median * spread),
        quotas=quotas(least),
    )
    assert least <= wait <= max(least, LONGEST_WAIT_SECONDS)


@given(median=st.floats(30, 3_600), spread=st.floats(1.2, 4))
def test_the_number_of_looks_stays_small_whatever_the_run_times(median, spread):
    times = run_times(median, median * spread)
    offer = OFFERS[0].model_copy(update={"run_times": times})
    made = looks_until(offer, median)
    assert len(made) <= 2 + EXPECTED_LOOKS + median / LONGEST_WAIT_SECONDS


@offers
def test_what_queues_is_looked_at_again_when_it_could_be_ready_had_it_started_at_once(offer):
    wait = wait_before_next_look(
        state=ProviderState.PENDING,
        since_submit=1_000,
        since_running=None,
        times=offer.run_times,
        quotas=offer.quotas,
    )
    assert wait == pytest.approx(min(LONGEST_WAIT_SECONDS, Lognormal(offer.run_times).quantile(0.05)))


def test_run_times_that_hardly_vary_are_waited_for_too():
    offer = OFFERS[0].model_copy(update={"run_times": run_times(100, 100)})
    made = looks_until(offer, 130)
    assert sum(90 < at < 115 for at in made) >= 8


def test_a_run_longer_than_expected_is_still_found_soon_after_its_end():
    times = run_times(30, 40)
    waits = [
        wait_before_next_look(
            state=ProviderState.RUNNING, since_submit=at, since_running=at, times=times, quotas=quotas(1)
        )
        for at in (60.0, 100.0, 300.0)
    ]
    assert waits == [pytest.approx(6), pytest.approx(10), pytest.approx(30)]


def test_a_run_beyond_all_expectation_is_looked_at_now_and_then():
    wait = wait_before_next_look(
        state=ProviderState.RUNNING,
        since_submit=9_000,
        since_running=8_000,
        times=OFFERS[0].run_times,
        quotas=OFFERS[0].quotas,
    )
    assert wait == LONGEST_WAIT_SECONDS
