"""The two events that recut wakes by, and how they get to a Prefect server."""

from collections.abc import Sequence
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.events import Event, Resource

from flows.running.waking import PROVIDER_TASK_FINISHED

#: Something was dropped into an inbox, or changed there. A listing finds out what.
INBOX_CHANGED: Final = "recut.inbox.changed"


def inbox_changed(inbox: str) -> Event:
    """Returns the event for an inbox, named by its URL or folder."""
    resource = {"prefect.resource.id": "recut.inbox", "prefect.resource.name": inbox}
    return Event(event=INBOX_CHANGED, resource=Resource(resource), payload={"inbox": inbox})


def provider_task_finished(provider_task_id: str) -> Event:
    """Returns the event for a provider task that is over."""
    resource = {"prefect.resource.id": f"recut.provider-task.{provider_task_id}"}
    payload = {"provider_task_id": provider_task_id}
    return Event(event=PROVIDER_TASK_FINISHED, resource=Resource(resource), payload=payload)


async def send(client: PrefectClient, events: Sequence[Event]) -> None:
    """Sends events in one request, so that one that does not arrive is known.

    Raises:
        httpx.HTTPError: They did not arrive.
    """
    await client.request("POST", "/events", json=[event.model_dump(mode="json") for event in events])
