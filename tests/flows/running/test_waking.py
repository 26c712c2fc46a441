"""Listening to a real Prefect server: through its absence and its restart, and with nothing left in the end."""

import asyncio

import pytest
from prefect.client.orchestration import get_client

from deployments.relay.events import inbox_changed, provider_task_finished, send
from flows.running import waking as module
from flows.running.waking import Waking
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.anyio


async def tell_until(woken: asyncio.Event, provider_task_id: str) -> None:
    """Sends the event until it wakes: one sent while a listener connects may be lost."""
    async with get_client() as client:
        while not woken.is_set():
            await send(client, [inbox_changed("s3://videos/inbox"), provider_task_finished(provider_task_id)])


async def test_whoever_waits_is_woken_and_nobody_else(prefect):
    waking = Waking(listens=True)
    with waking.at_end_of("first") as first, waking.at_end_of("second") as second:
        await tell_until(first, "first")
        assert not second.is_set()
    await waking.close()


async def test_an_event_can_wake_again(prefect):
    waking = Waking(listens=True)
    with waking.at_end_of("again") as woken:
        await tell_until(woken, "again")
        woken.clear()
        await tell_until(woken, "again")
    with waking.at_end_of("another") as woken:
        await tell_until(woken, "another")
    await waking.close()


async def test_it_connects_only_for_those_who_wait_and_leaves_nothing(prefect):
    before = asyncio.all_tasks()
    waking = Waking(listens=True)
    assert asyncio.all_tasks() == before
    with waking.at_end_of("one") as woken:
        await tell_until(woken, "one")
    await waking.close()
    assert asyncio.all_tasks() == before


async def test_a_run_with_a_server_of_this_machine_does_not_listen():
    before = asyncio.all_tasks()
    waking = Waking(listens=False)
    with waking.at_end_of("one"):
        assert asyncio.all_tasks() == before
    await waking.close()


async def test_a_server_that_went_away_is_heard_again_when_it_is_back(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    with PrefectServer(tmp_path) as server, server.used():
        waking = Waking(listens=True)
        with waking.at_end_of("one") as woken:
            await tell_until(woken, "one")
            server.kill()
            woken.clear()
            await asyncio.to_thread(server.start)
            await tell_until(woken, "one")
        await waking.close()
