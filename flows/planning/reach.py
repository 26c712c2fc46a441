"""How a provider gets at a medium: decided once, for refusing it early and for making it so later."""

from enum import StrEnum

from blocks.clients.store import StorageFailed, Store, open_anywhere
from flows.planning.market import Market
from flows.planning.sources import place_of
from flows.rules.addresses import is_private, printable
from flows.rules.offers import Offer

#: How long a signed address is good for, in real seconds: longer than any queue and the three hours a provider
#: task may run.
SIGNED_SECONDS = 24 * 3600


class Way(StrEnum):
    """A way for a provider to fetch a medium."""

    AS_IT_IS = "as it is"
    SIGNED = "signed where it is"
    STAGED = "copied to the staging storage and signed there"
    TEMPORARY = "copied to the provider's temporary store"


class OutOfReach(Exception):
    """No way leads the provider to a medium; says why and what to do.

    Attributes:
        reason: What stands in the way.
        advice: What to do about it.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}; {advice}")
        self.reason = reason
        self.advice = advice


def way_to(address: str, market: Market, offer: Offer) -> Way:
    """Returns how a provider gets at a medium.

    Args:
        address: Path or URL of the medium.
        market: Where jobs run, and where files may be put for providers.
        offer: The model and provider that is to fetch it.

    Raises:
        OutOfReach: It cannot.
    """
    place = place_of(address)
    if place == "web":
        if _reaches(address, market, offer):
            return Way.AS_IT_IS
        raise OutOfReach(
            f"{printable(address)} is a private address the provider cannot reach",
            "give a public URL, or a local file where the provider takes uploads",
        )
    if place == "store" and _obstacle(*open_anywhere(address, market.known), market, offer) is None:
        return Way.SIGNED
    if market.staging is not None:
        obstacle = _obstacle(market.staging, "a-name", market, offer)
        if obstacle is None:
            return Way.STAGED
        raise OutOfReach(
            f"files cannot be staged: {obstacle}", "name a staging storage that signs public URLs (RECUT_STAGING)"
        )
    if offer.temporary_store:
        return Way.TEMPORARY
    raise OutOfReach(
        f"{offer.provider} fetches media itself and takes no uploads, this is not on the web",
        "give a public http(s) URL, name a bucket for copies with --staging, "
        "or run the job on dashscope, which takes local files",
    )


def _reaches(url: str, market: Market, offer: Offer) -> bool:
    return offer.provider in market.on_this_machine or not is_private(url)


def _obstacle(store: Store, name: str, market: Market, offer: Offer) -> str | None:
    """Returns what keeps a store from giving the provider an address, None when it can."""
    try:
        url = store.sign(name, SIGNED_SECONDS)
    except StorageFailed as error:
        return str(error)
    if not _reaches(url, market, offer):
        return f"{store.url} is at a private address the provider cannot reach"
    return None
