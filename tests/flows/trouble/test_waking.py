"""The provider's own event moves a look forward, and does nothing else."""

import asyncio

import pytest
from prefect.client.orchestration import get_client

from deployments.relay.events import provider_task_finished, send
from flows.rules.states import JobState
from tests.flows.trouble.desk import Desk

pytestmark = pytest.mark.usefixtures("impatient")

A_DAY = 24 * 3600.0


@pytest.fixture(autouse=True)
def _shared_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the Prefect server of the tests count as one that machines share."""
    monkeypatch.setenv("RECUT_LIMITS", "server")


@pytest.fixture
def _looks_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a look after the first one unthinkable, but for an event."""
    monkeypatch.setattr("flows.stages.poll.wait_before_next_look", lambda **_: A_DAY)


def tell_until_looked_at_again(desk: Desk) -> None:
    """Sends the event the way the relay does until there is a second look; one sent too early may be lost."""
    events = [provider_task_finished(name) for name in ("of-somebody-else", desk.made()[0].provider_task_id)]

    async def told() -> None:
        async with get_client() as client:
            while desk.asked("get") < 2:
                await send(client, events)

    asyncio.run(told())


@pytest.mark.usefixtures("_looks_once_a_day")
def test_a_provider_task_that_is_said_to_be_over_is_looked_at_at_once(desk: Desk):
    def it_ends() -> None:
        desk.emulator.wait(operation="get")
        desk.emulator.wait(status="SUCCEEDED")
        tell_until_looked_at_again(desk)

    job = desk.meanwhile("turn it into claymation", it_ends)

    assert job.state is JobState.PUBLISHED
    assert desk.asked("get") == 2


def test_without_an_event_polling_goes_on_by_itself(desk: Desk):
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert desk.asked("get") >= 2
