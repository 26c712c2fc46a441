"""Deploys recut from nothing: makes the work pool when it is missing, then deploys prefect.yaml (`python -m`).

`prefect deploy` refuses to deploy to a pool that does not exist, before any step of ours could make it.
"""

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from blocks.credentials import ApiyiCredentials, DashScopeCredentials
from blocks.storage import VideoStorage

PREFECT_FILE: Final = Path(__file__).parents[1] / "prefect.yaml"
POOL: Final = "recut"


def main() -> int:
    """Deploys to the server of PREFECT_API_URL; safe to repeat. Returns the exit code of `prefect deploy`."""
    asyncio.run(make_ready())
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter and file


async def make_ready() -> None:
    """Makes the work pool, for processes, unless there is one of any type, and lets the UI know recut's blocks."""
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(
                WorkPoolCreate(
                    name=POOL,
                    type=ProcessWorker.type,
                    description="Runs recut.",
                    base_job_template=ProcessWorker.get_default_base_job_template(),
                )
            )
        for block in (DashScopeCredentials, ApiyiCredentials, VideoStorage):
            await block.register_type_and_schema(client=client)


if __name__ == "__main__":
    raise SystemExit(main())
