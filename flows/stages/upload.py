"""Stage 2: give every medium an address the provider can fetch it from."""

import asyncio
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pydantic import BaseModel

from blocks.clients.dashscope import DashScopeClient
from flows.plan import PlannedJob
from flows.progress import Stage, Step
from flows.run import Run
from flows.sources import MediumUnavailable, open_medium, place_of
from flows.stages.stage import stage

#: An address of the temporary store is shared for this many provider seconds, half of what it lives: a provider
#: task that queues fetches late.
SHARED_SECONDS = 24 * 3600.0


class Links(BaseModel):
    """Where the provider fetches a job's media."""

    video: str
    reference_images: list[str]


@stage("upload", named="upload {plan.name}", retries=4)
async def upload(run: Run, plan: PlannedJob) -> Links:
    """Returns addresses of a job's media: public URLs as they are, other files through the temporary store.

    The same bytes go up once per account and model in a run, however many jobs name them.

    Raises:
        EditStopped: The account refuses everything; another job found out.
        CallFailed: The temporary store did not take a file.
        MediumUnavailable: A medium disappeared or changed since it was validated.
    """
    assert plan.job is not None
    async with run.uploading:
        run.refuse_stopped((await run.client(plan.provider)).account)
        run.progress.tell(Step(plan.job_key or "", plan.name, Stage.UPLOADING))
        video, *images = await asyncio.gather(
            *(_link(run, plan, address) for address in (plan.job.video, *plan.job.reference_images))
        )
    return Links(video=video, reference_images=images)


async def _link(run: Run, plan: PlannedJob, address: str) -> str:
    if place_of(address) == "web":
        return address
    client = await run.client(plan.provider)
    assert isinstance(client, DashScopeClient)
    once = (client.account, plan.model, plan.media[address], run.clock.monotonic() // SHARED_SECONDS)
    if once not in run.uploads:
        run.uploads[once] = asyncio.ensure_future(_send(client, plan.model, address, plan.media[address]))
    try:
        return await asyncio.shield(run.uploads[once])
    except Exception:
        run.uploads.pop(once, None)
        raise


async def _send(client: DashScopeClient, model: str, address: str, identity: str) -> str:
    def content() -> bytes:
        with open_medium(address) as medium:
            if medium.identity != identity:
                # Its result would be published, and found by every later run, as that of the other file.
                raise MediumUnavailable(f"{address} has changed since it was validated", "run it again")
            return medium.stream.read()

    path = urlsplit(address).path if "://" in address else address
    return await client.upload(model, PurePosixPath(path).suffix.lower(), await asyncio.to_thread(content))
