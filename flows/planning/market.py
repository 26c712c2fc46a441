"""Where jobs would run by today's environment: regions and reach, found out without a key and without Prefect."""

from dataclasses import dataclass

from blocks.clients.store import Store
from blocks.environment import environment
from flows.rules.addresses import checked_api_address, is_loopback
from flows.rules.catalog import APIYI_HOSTS, GATEWAY, Catalog
from flows.rules.job import Provider
from flows.rules.regions import dashscope_address
from flows.running.settings import Settings


@dataclass(frozen=True)
class Market:
    """Where jobs would run: what is offered there, and what the provider can reach.

    Attributes:
        regions: Region per provider.
        default_provider: Provider of jobs that name none.
        catalog: What is offered.
        on_this_machine: Providers that are emulated on this machine, and so reach private addresses.
        unprobed: Whether web media that recut cannot open are accepted.
        staging: Where files may be put for providers to fetch.
        known: Stores whose credentials also serve clips and images.
    """

    regions: dict[Provider, str]
    default_provider: Provider
    catalog: Catalog
    on_this_machine: frozenset[Provider] = frozenset()
    unprobed: bool = False
    staging: Store | None = None
    known: tuple[Store, ...] = ()


def market_from_environment(settings: Settings, catalog: Catalog) -> Market:
    """Returns where jobs would run by the provider addresses of the environment.

    Raises:
        AddressRefused: An address or region that cannot be used.
    """
    dashscope, region = dashscope_address(
        settings.region, environment("DASHSCOPE_HTTP_BASE_URL"), environment("DASHSCOPE_WORKSPACE_ID")
    )
    apiyi = checked_api_address(environment("APIYI_BASE_URL") or f"https://{APIYI_HOSTS[0]}")
    addresses = {Provider.DASHSCOPE: dashscope, Provider.APIYI: apiyi}
    return Market(
        regions={Provider.DASHSCOPE: region, Provider.APIYI: GATEWAY},
        default_provider=settings.provider,
        catalog=catalog,
        on_this_machine=frozenset(provider for provider, address in addresses.items() if is_loopback(address)),
        unprobed=settings.unprobed,
    )
