"""What edits cost: estimates take the dearer reading, unknown is never zero, a cap is of one currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.rules.budget import Cost, bill, estimate, over_cap, price, total
from flows.rules.catalog import BEIJING, GATEWAY, SINGAPORE, TOKYO, Catalog
from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import Offer

UNKNOWN = Cost(amount=None, currency=None)


def offer(model: str, region: str) -> Offer:
    provider = Provider.APIYI if region == GATEWAY else Provider.DASHSCOPE
    return Catalog().offer(provider, model, region)


def cny(amount: str | None, *, estimated: bool = True) -> Cost:
    return Cost(amount=None if amount is None else Decimal(amount), currency="CNY", estimated=estimated)


def usd(amount: str) -> Cost:
    return Cost(amount=Decimal(amount), currency="USD")


@pytest.mark.parametrize(
    ("model", "region", "parameters", "clip_seconds", "amount", "currency"),
    [
        pytest.param(WAN, BEIJING, {"resolution": "720P"}, 5, "6", "CNY", id="input and output are billed"),
        pytest.param(WAN, BEIJING, {"resolution": "1080P"}, 5, "10", "CNY", id="the tier decides"),
        pytest.param(WAN, SINGAPORE, {"resolution": "720P"}, 5, "7.3392", "CNY", id="to the ten-thousandth"),
        pytest.param(WAN, SINGAPORE, {"resolution": "1080P"}, 10, "22.0177", "CNY", id="half is rounded up"),
        pytest.param(WAN, BEIJING, {"resolution": "720P", "duration": 0}, 8, "9.6", "CNY", id="0 is no cut"),
        pytest.param(
            WAN, BEIJING, {"resolution": "720P", "duration": 2}, 8, "6", "CNY", id="a cut shortens the output"
        ),
        pytest.param(WAN, BEIJING, {"resolution": "720P", "duration": 8}, 5, "6", "CNY", id="never beyond the clip"),
        pytest.param(HAPPYHORSE, BEIJING, {"resolution": "720P"}, 15, "27", "CNY", id="HappyHorse up to 15 s"),
        pytest.param(HAPPYHORSE, BEIJING, {"resolution": "720P"}, 15.01, "27.009", "CNY", id="just beyond 15 s"),
        pytest.param(HAPPYHORSE, BEIJING, {"resolution": "1080P"}, 60, "120", "CNY", id="60 s in, 15 s out"),
        pytest.param(HAPPYHORSE, GATEWAY, {"resolution": "720P"}, 5, "1.26", "USD", id="the gateway bills dollars"),
        pytest.param(WAN, GATEWAY, {"resolution": "1080P"}, 5, "1.4", "USD", id="Wan at the gateway"),
        pytest.param(WAN, BEIJING, {"resolution": "1080P"}, 3.0002, "6", "CNY", id="milliseconds are enough"),
    ],
)
def test_an_estimate_counts_input_and_output_seconds(model, region, parameters, clip_seconds, amount, currency):
    assert estimate(offer(model, region), parameters, clip_seconds) == Cost(amount=Decimal(amount), currency=currency)


@pytest.mark.parametrize("clip_seconds", [None, 5.0])
def test_where_no_price_is_published_the_cost_is_unknown_and_not_zero(clip_seconds):
    assert estimate(offer(HAPPYHORSE, TOKYO), {"resolution": "720P"}, clip_seconds) == UNKNOWN


def test_the_cost_of_a_clip_that_was_not_opened_is_unknown_in_a_known_currency():
    assert estimate(offer(WAN, BEIJING), {"resolution": "720P"}, None) == cny(None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (10.04, cny("6.024", estimated=False)),
        (0.0, cny("0", estimated=False)),
        (None, None),
    ],
)
def test_the_bill_is_what_the_provider_counted_and_no_bill_is_no_cost(seconds, expected):
    assert bill(offer(WAN, BEIJING), {"resolution": "720P"}, seconds) == expected


def test_without_a_price_there_is_no_bill():
    assert bill(offer(HAPPYHORSE, TOKYO), {"resolution": "720P"}, 10) is None


@given(milliseconds=st.integers(0, 3_600_000), resolution=st.sampled_from(["720P", "1080P"]))
def test_prices_are_exact_to_the_ten_thousandth(milliseconds, resolution):
    asked = offer(WAN, SINGAPORE)
    assert asked.price is not None
    exact = asked.price.per_second[resolution] * milliseconds / 1000
    assert abs(price(asked, {"resolution": resolution}, milliseconds / 1000) - exact) <= Decimal("0.00005")


@pytest.mark.parametrize(
    ("costs", "sums"),
    [
        ([], []),
        ([cny("0.1")] * 3, [cny("0.3")]),
        ([cny("1"), usd("2"), cny("3")], [cny("4"), usd("2")]),
        ([cny("1"), cny(None), cny("3")], [cny(None)]),
        ([cny(None), cny("1")], [cny(None)]),
        ([UNKNOWN, cny("1")], [UNKNOWN, cny("1")]),
        ([cny("1", estimated=False), cny("2", estimated=False)], [cny("3", estimated=False)]),
        ([cny("1", estimated=False), cny("2")], [cny("3")]),
    ],
)
def test_sums_are_per_currency_and_unknown_as_soon_as_one_amount_is(costs, sums):
    assert total(costs) == sums


@pytest.mark.parametrize(
    ("costs", "cap", "reason"),
    [
        ([], "0", None),
        ([cny("6"), cny("4")], "10", None),
        ([cny("6"), cny("4")], "10.0001", None),
        ([cny("6"), cny("4")], "9.9999", "the jobs would cost about 10 CNY, the cap is 9.9999"),
        ([cny("0.1")] * 3, "0.3", None),
        ([cny("100")], "10", "the jobs would cost about 100 CNY, the cap is 10"),
        ([cny("1"), cny(None)], "1000", "the price of at least one job is unknown, so the cap cannot be kept"),
        ([UNKNOWN], "1000", "the price of at least one job is unknown, so the cap cannot be kept"),
        (
            [cny("1"), usd("1")],
            "1000",
            "the jobs are billed in CNY and USD; one cap cannot hold for several currencies",
        ),
        (
            [cny("1"), UNKNOWN],
            "1000",
            "the jobs are billed in CNY and an unknown currency; one cap cannot hold for several currencies",
        ),
    ],
)
def test_a_cap_holds_for_one_currency_of_known_prices(costs, cap, reason):
    assert over_cap(costs, Decimal(cap)) == reason


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (cny("10.0000"), "about 10 CNY"),
        (cny("1200"), "about 1200 CNY"),
        (cny("0"), "about 0 CNY"),
        (cny("6.0240", estimated=False), "6.024 CNY"),
        (cny(None), "unknown"),
        (UNKNOWN, "unknown"),
    ],
)
def test_costs_read_well(cost, text):
    assert str(cost) == text


@given(amount=st.none() | st.decimals(0, 1_000_000, places=4))
def test_costs_survive_being_written_and_read(amount):
    cost = Cost(amount=amount, currency="CNY")
    assert Cost.model_validate_json(cost.model_dump_json()) == cost
