"""Asking a provider about one provider task, outside any run: at the address it was created at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from blocks.clients.apiyi import ApiyiClient
from blocks.clients.dashscope import DashScopeClient
from blocks.credentials import load_credentials
from flows.rules.records import Endpoint
from flows.running.settings import Settings


@asynccontextmanager
async def provider_at(endpoint: Endpoint, settings: Settings) -> AsyncIterator[DashScopeClient | ApiyiClient]:
    """Opens a client with today's key at a recorded endpoint.

    Raises:
        CredentialsMissing: No key is configured for the provider.
    """
    credentials = await load_credentials(endpoint.provider, settings.credentials, None)
    client = credentials.at(endpoint.base_url, endpoint.region).get_client()
    try:
        yield client
    finally:
        await client.close()
