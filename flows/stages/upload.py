"""Stage 2: give every medium an address the provider can fetch it from."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from pydantic import BaseModel

from blocks.clients.dashscope import DashScopeClient
from blocks.clients.store import Store, open_anywhere
from flows.planning.plan import PlannedJob
from flows.planning.reach import SIGNED_SECONDS, OutOfReach, Way, way_to
from flows.planning.sources import Medium, MediumUnavailable, disk_path, open_medium, place_of
from flows.running.log import job_log
from flows.running.progress import Stage, Step
from flows.running.run import Run
from flows.stages.stage import stage


class Links(BaseModel):
    """Where a job's media are, for the provider: on the web, in its temporary store, or in a bucket still to be signed.

    A signed address is a secret and ages, so it is made last: right before the create, by ``signed``.
    """

    video: str
    reference_images: list[str]


@stage("upload", named="upload {plan.name}", retries=4)
async def upload(run: Run, plan: PlannedJob) -> Links:
    """Returns where the provider gets at a job's media; files it cannot reach are copied to where it can.

    The same bytes go up once per destination, however many jobs name them, in this run or another.

    Raises:
        EditStopped: The account refuses everything; another job found out.
        CallFailed: The temporary store did not take a file.
        StorageFailed: The staging storage did not take a file.
        MediumUnavailable: A medium disappeared or changed since it was validated, or is out of reach.
    """
    assert plan.job is not None
    async with run.uploading:
        run.refuse_stopped((await run.client(plan.provider)).account)
        run.progress.tell(Step(plan.job_key or "", plan.name, Stage.UPLOADING))
        video, *images = await asyncio.gather(
            *(_link(run, plan, address) for address in (plan.job.video, *plan.job.reference_images))
        )
    run.progress.tell(Step(plan.job_key or "", plan.name, Stage.WAITING))
    job_log(plan.job_key or "", plan.name).info("the provider can fetch its media")
    return Links(video=video, reference_images=images)


async def signed(run: Run, links: Links) -> Links:
    """Returns addresses the provider can fetch from now on; those in buckets carry signatures, so they are secrets.

    Raises:
        StorageFailed: A bucket's address cannot be signed now.
    """
    video, *images = await asyncio.gather(
        *(asyncio.to_thread(_signed, run, address) for address in (links.video, *links.reference_images))
    )
    return Links(video=video, reference_images=images)


def _signed(run: Run, address: str) -> str:
    if urlsplit(address).scheme in ("http", "https", "oss"):
        return address
    store, name = open_anywhere(address, run.places.known)
    return store.sign(name, SIGNED_SECONDS)


async def _link(run: Run, plan: PlannedJob, address: str) -> str:
    client = await run.client(plan.provider)
    where = await run.endpoint(plan.provider, plan.model)
    try:
        way = await asyncio.to_thread(way_to, address, await run.market({plan.provider}), run.offer(where))
    except OutOfReach as error:
        raise MediumUnavailable(error.reason, error.advice) from error
    identity = plan.media[address]
    match way:
        case Way.STAGED:
            staging = run.places.staging
            assert staging is not None
            return await run.uploads.once(
                (staging.url, identity), lambda: asyncio.to_thread(_stage, run, staging, address, identity)
            )
        case Way.TEMPORARY:
            assert isinstance(client, DashScopeClient)
            return await run.uploads.kept(
                (client.account, client.base_url, plan.model, identity),
                lambda: _send(run, client, plan.model, address, identity),
            )
        case Way.SIGNED:
            await asyncio.to_thread(_size_unchanged, run, address, identity)
    return address


def _stage(run: Run, staging: Store, address: str, identity: str) -> str:
    """Copies a file to the staging storage, under a name that says its content, unless it is there already."""
    size = _size_unchanged(run, address, identity)
    name = f"{identity.replace(':', '-')}{_suffix(address)}"
    if staging.size(name) == size:
        return staging.address(name)
    if place_of(address) == "disk":
        staged = staging.publish(name, disk_path(address))
    else:
        staged = staging.copy_from(*open_anywhere(address, run.places.known), name)
    try:
        _size_unchanged(run, address, identity)
    except MediumUnavailable:
        staging.remove(name)  # it changed while it was copied, and the name promises the content it had
        raise
    return staged


async def _send(run: Run, client: DashScopeClient, model: str, address: str, identity: str) -> str:
    def take(copy: BinaryIO) -> None:
        with _unchanged(run, address, identity) as medium:
            shutil.copyfileobj(medium.stream, copy)

    # A copy, because the file may change while it is sent, and because a bucket's cannot be read from the event loop.
    with tempfile.TemporaryFile() as copy:
        await asyncio.to_thread(take, copy)
        return await client.upload(model, _suffix(address), copy)


@contextmanager
def _unchanged(run: Run, address: str, identity: str) -> Iterator[Medium]:
    """Opens a medium that is still the one that was validated.

    Raises:
        MediumUnavailable: It is not: its result would be published, and found by every later run, as the other's.
    """
    with open_medium(address, run.places.known) as medium:
        if medium.identity != identity:
            raise MediumUnavailable(f"{address} has changed since it was validated", "run it again")
        yield medium


def _size_unchanged(run: Run, address: str, identity: str) -> int:
    with _unchanged(run, address, identity) as medium:
        return medium.size_bytes


def _suffix(address: str) -> str:
    path = urlsplit(address).path if "://" in address else address
    return PurePosixPath(path).suffix.lower()
