"""What an edit costs: the estimate before, the bill after, and the cap in between. Money is Decimal."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer

from flows.rules.offers import Offer


class Cost(BaseModel):
    """An amount of money; an unknown amount is None, never zero.

    Attributes:
        amount: In units of ``currency``; None when it cannot be known.
        currency: ISO 4217 code, None when no price is published.
        estimated: Whether this is an estimate; False once the provider reported what it bills.
    """

    model_config = ConfigDict(frozen=True)

    amount: Annotated[Decimal, PlainSerializer(float, when_used="json")] | None
    currency: str | None
    estimated: bool = True

    def __str__(self) -> str:
        if self.amount is None:
            return "unknown"
        return f"{'about ' if self.estimated else ''}{self.amount.normalize():f} {self.currency}"


def estimate(offer: Offer, parameters: Mapping[str, Any], clip_seconds: float | None) -> Cost:
    """Returns what an edit will cost: input plus output seconds at the tier's price.

    Both vendors' pages differ on whether input seconds are billed (APIYI says output only); the estimate takes
    the dearer reading.

    Args:
        offer: Entry of the catalogue.
        parameters: Request parameters with every default explicit.
        clip_seconds: Length of the clip in seconds, None when it was not opened.
    """
    if offer.price is None:
        return Cost(amount=None, currency=None)
    if clip_seconds is None:
        return Cost(amount=None, currency=offer.price.currency)
    longest = parameters.get("duration") or offer.output.max_seconds or clip_seconds
    seconds = clip_seconds + min(clip_seconds, float(longest))
    return Cost(amount=price(offer, parameters, seconds), currency=offer.price.currency)


def bill(offer: Offer, parameters: Mapping[str, Any], billed_seconds: float | None) -> Cost | None:
    """Returns the actual cost of a result from its ``usage``, or None when the provider reported none."""
    if offer.price is None or billed_seconds is None:
        return None
    amount = price(offer, parameters, billed_seconds)
    return Cost(amount=amount, currency=offer.price.currency, estimated=False)


def price(offer: Offer, parameters: Mapping[str, Any], seconds: float) -> Decimal:
    """Returns the price of that many billed seconds, to the ten-thousandth."""
    assert offer.price is not None
    exact = offer.price.per_second[parameters["resolution"]] * Decimal(str(round(seconds, 3)))
    return exact.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def total(costs: Iterable[Cost]) -> list[Cost]:
    """Returns the sums per currency. One unknown amount makes its currency's sum unknown."""
    sums: dict[str | None, Cost] = {}
    for cost in costs:
        so_far = sums.get(cost.currency)
        if so_far is None:
            sums[cost.currency] = cost
        else:
            known = so_far.amount is not None and cost.amount is not None
            sums[cost.currency] = Cost(
                amount=so_far.amount + cost.amount if known else None,  # type: ignore[operator]
                currency=cost.currency,
                estimated=so_far.estimated or cost.estimated,
            )
    return list(sums.values())


def over_cap(costs: Iterable[Cost], cap: Decimal) -> str | None:
    """Says why these jobs may not all be created under a cap, or returns None when they may.

    Args:
        costs: Estimates of all jobs that would be created.
        cap: The most that may be spent, in the currency of the jobs.
    """
    sums = total(costs)
    if len(sums) > 1:
        names = " and ".join(sorted(str(cost.currency or "an unknown currency") for cost in sums))
        return f"the jobs are billed in {names}; one cap cannot hold for several currencies"
    for cost in sums:
        if cost.amount is None:
            return "the price of at least one job is unknown, so the cap cannot be kept"
        if cost.amount > cap:
            return f"the jobs would cost about {cost.amount.normalize():f} {cost.currency}, the cap is {cap:f}"
    return None
