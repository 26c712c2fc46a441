"""The automations that come with recut, one YAML file each in this folder, and how they get to a Prefect server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import AutomationCore

_FOLDER = Path(__file__).parent
_NOTIFICATION = "send-notification"


async def renew_automations(client: PrefectClient, notify: str | None) -> list[str]:
    """Creates the automations that are missing and renews those that differ; whether they are on stays as it was.

    Args:
        client: The server's client.
        notify: A saved notification block as ``type/name``, such as slack-webhook/team; without one the automations
            that notify people are left out.

    Returns:
        Their names.

    Raises:
        ValueError: No such block is saved.
    """
    block = await _block_id(client, notify) if notify else None
    names = []
    for wanted in _wanted(block):
        found = await client.read_automations_by_name(wanted.name)
        if not found:
            await client.create_automation(wanted)
        elif _content(found[0]) != _content(wanted):
            await client.update_automation(found[0].id, wanted.model_copy(update={"enabled": found[0].enabled}))
        names.append(wanted.name)
    return names


def _wanted(block: str | None) -> Iterator[AutomationCore]:
    for file in sorted(_FOLDER.glob("*.yaml")):
        said: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for action in said["actions"]:
            if action["type"] == _NOTIFICATION:
                action["block_document_id"] = block
        if block or all(action["type"] != _NOTIFICATION for action in said["actions"]):
            yield AutomationCore.model_validate(said)


async def _block_id(client: PrefectClient, name: str) -> str:
    try:
        document, _ = await Block._aget_block_document(name, client=client)
    except ValueError as error:
        raise ValueError(
            f"RECUT_NOTIFY_BLOCK is {name!r}, but no such block is saved; name one as type/name, such as "
            "slack-webhook/team. Nothing was deployed."
        ) from error
    return str(document.id)


def _content(automation: AutomationCore) -> dict[str, Any]:
    """What makes an automation, without what a server adds to it; sets of events stay sets, which have no order."""
    return automation.model_dump(include={"description", "tags", "trigger", "actions"})
