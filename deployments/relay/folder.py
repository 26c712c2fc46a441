"""Wakes the deployed inbox flow when a folder changes: `python -m deployments.relay.folder INBOX`."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import httpx
import watchfiles
from prefect.client.orchestration import PrefectClient, get_client

from deployments.relay.events import inbox_changed, send

#: How long a server that does not take an event is left in peace.
TRY_AGAIN_SECONDS: Final = 2.0


async def tell_of_changes(folder: Path) -> None:
    """Sends an event at once, for what was dropped before, and then one for every burst of changes; never ends.

    Changes made while an event is on its way are told by the next one.

    Args:
        folder: The inbox, on this machine's own disk: network file systems do not report what others change.
    """
    async with get_client() as client:
        await _tell(client, folder)
        async for _ in watchfiles.awatch(folder, ignore_permission_denied=True):
            await _tell(client, folder)


async def _tell(client: PrefectClient, folder: Path) -> None:
    while True:
        try:
            await send(client, [inbox_changed(str(folder))])
        except httpx.HTTPError as error:
            print(f"The Prefect server did not take an event ({error}); trying again.", file=sys.stderr)
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        else:
            return


if __name__ == "__main__":
    asyncio.run(tell_of_changes(Path(sys.argv[1]).expanduser().absolute()))
