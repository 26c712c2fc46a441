"""The limits an account states of itself, where its provider has a call for them, in the place of the catalogue's."""

import asyncio

from blocks.clients.dashscope import DashScopeClient, Quota
from blocks.clients.provider import ProviderClient
from blocks.clients.transport import CallFailed
from flows.rules.offers import Quotas

#: How long to wait for the account's own limits: without them, the catalogue's hold.
_PATIENCE_SECONDS = 5.0


async def own_quotas(client: ProviderClient) -> dict[str, Quota]:
    """Returns an account's own limits by model; empty where they cannot be had."""
    if not isinstance(client, DashScopeClient):
        return {}
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return {quota.model: quota for quota in await client.quotas()}
    except (CallFailed, TimeoutError):
        return {}


def with_own(quotas: Quotas, own: Quota | None) -> Quotas:
    """Returns the catalogue's limits, each replaced by the account's own where it states one."""
    if own is None:
        return quotas
    stated = {"submits_per_second": own.submits_per_second, "running": own.running, "queued": own.queued}
    return quotas.model_copy(update={name: number for name, number in stated.items() if number is not None})
