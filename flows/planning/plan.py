"""Validates and prices jobs: opens their media, asks the rules, creates and uploads nothing. Needs no Prefect."""

import asyncio
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

from blocks.clients.store import StorageFailed, Store, open_anywhere
from flows.media import UnreadableMedia, probe_image, probe_video
from flows.planning.market import Market
from flows.planning.reach import OutOfReach, way_to
from flows.planning.sources import MediumUnavailable, lasting, open_medium, unopened_identity
from flows.rules.addresses import printable
from flows.rules.budget import Cost, estimate
from flows.rules.catalog import NotOffered
from flows.rules.facts import ImageFacts, VideoFacts
from flows.rules.job import DEFAULT_MODELS, EditJob, Provider, job_key
from flows.rules.limits import check_job, check_media
from flows.rules.manifest import ManifestError, Row, read_manifest, resolve
from flows.rules.offers import Offer
from flows.rules.problems import Problem

#: Media opened at once: enough to hide the web's latency, few enough for small machines.
OPEN_AT_ONCE = 8
UNKNOWN_COST = Cost(amount=None, currency=None)


class PlannedJob(BaseModel):
    """A job that was validated and priced, or refused with reasons.

    Attributes:
        label: How messages name it, such as ``row 3 (line 4)``; empty for a single job.
        name: Name of its result, without ending.
        job: The job, its addresses resolved.
        job_key: Its key; None when it is refused.
        provider: Who would run it.
        model: The model it would run on.
        region: The region it would run in.
        parameters: Request parameters, every default explicit.
        media: Content identity of the clip and of each image, by address.
        clip_seconds: Length of the clip in seconds, None when it was not opened.
        clip_has_sound: Whether the clip has sound, None when it was not opened.
        cost: The estimate.
        problems: Why it is refused; empty when it may run.
    """

    model_config = ConfigDict(frozen=True)

    label: str = ""
    name: str
    job: EditJob | None
    job_key: str | None = None
    provider: Provider
    model: str
    region: str
    parameters: dict[str, Any] = {}
    media: dict[str, str] = {}
    clip_seconds: float | None = None
    clip_has_sound: bool | None = None
    cost: Cost = UNKNOWN_COST
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the job may run."""
        return not self.problems


def rows_of(source: str, known: Sequence[Store] = ()) -> list[Row]:
    """Reads a manifest from any storage and resolves its media against its own folder.

    Args:
        source: Path or URL of the manifest.
        known: Stores whose credentials also serve this address, if it is of their kind.

    Raises:
        ManifestError: It cannot be read at all.
    """
    try:
        store, name = open_anywhere(source, known)
        text = store.read(name).decode("utf-8")
    except FileNotFoundError:
        raise ManifestError(f"{source} does not exist") from None
    except StorageFailed as error:
        raise ManifestError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{source} is not UTF-8 text (byte {error.start})") from error
    try:
        rows = read_manifest(text, PurePosixPath(name).suffix)
    except ManifestError as error:
        raise ManifestError(f"{source}: {error}") from error
    base = store.address("")
    for row in rows:
        if row.job is not None:
            row.job = row.job.model_copy(
                update={
                    "video": resolve(row.job.video, base),
                    "reference_images": tuple(resolve(image, base) for image in row.job.reference_images),
                }
            )
    return rows


async def plan_rows(rows: Sequence[Row], market: Market) -> list[PlannedJob]:
    """Returns a plan for every row, refused ones with all their problems."""
    turns = asyncio.Semaphore(OPEN_AT_ONCE)

    async def one(row: Row) -> PlannedJob:
        async with turns:
            return await asyncio.to_thread(plan_row, row, market)

    return await asyncio.gather(*(one(row) for row in rows))


def plan_row(row: Row, market: Market) -> PlannedJob:
    """Returns the plan of one row of a manifest."""
    if row.job is None:
        provider = market.default_provider
        return PlannedJob(
            label=row.label,
            name=row.label,
            job=None,
            provider=provider,
            model=DEFAULT_MODELS[provider],
            region=market.regions[provider],
            problems=tuple(row.problems),
        )
    plan = plan_job(row.job, market)
    return plan.model_copy(update={"label": row.label, "problems": (*row.problems, *plan.problems)})


def plan_job(job: EditJob, market: Market) -> PlannedJob:
    """Opens a job's media and returns its plan, refused ones with all their problems."""
    job = job.model_copy(
        update={
            "video": lasting(job.video),
            "reference_images": tuple(lasting(image) for image in job.reference_images),
        }
    )
    provider = job.provider or market.default_provider
    model = job.model or DEFAULT_MODELS[provider]
    region = market.regions[provider]
    stem = _safe(job.clip_stem)
    plan = PlannedJob(name=job.name or stem, job=job, provider=provider, model=model, region=region)
    try:
        offer = market.catalog.offer(provider, model, region)
    except NotOffered as error:
        advice = "choose another model, region or provider"
        return plan.model_copy(update={"problems": (Problem(field="model", message=str(error), advice=advice),)})
    opened = _Opened(market, offer)
    video = opened.video(job.video)
    images = [opened.image(address, index) for index, address in enumerate(job.reference_images, start=1)]
    problems = [
        *check_job(job, offer),
        *opened.problems,
        *check_media(offer, video, images, duration=job.duration),
    ]
    if problems:
        return plan.model_copy(update={"problems": tuple(problems)})
    parameters = offer.explicit(job.asked_parameters())
    clip_seconds = round(video.duration_seconds, 3) if video else None
    key = job_key(
        model=model,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        video=opened.identities[job.video],
        reference_images=[opened.identities[address] for address in job.reference_images],
        parameters=parameters,
        take=job.take,
    )
    return plan.model_copy(
        update={
            "name": job.name or f"{stem}-{key[:8]}",
            "job_key": key,
            "parameters": parameters,
            "media": opened.identities,
            "clip_seconds": clip_seconds,
            "clip_has_sound": video.has_audio if video else None,
            "cost": estimate(offer, parameters, clip_seconds),
        }
    )


class _Opened:
    """Opens the media of one job, collecting what is wrong and what each one is."""

    def __init__(self, market: Market, offer: Offer) -> None:
        self._market = market
        self._offer = offer
        self.identities: dict[str, str] = {}
        self.problems: list[Problem] = []

    def video(self, address: str) -> VideoFacts | None:
        facts = self._probe(address, "video")
        return facts if isinstance(facts, VideoFacts) else None

    def image(self, address: str, index: int) -> ImageFacts | None:
        facts = self._probe(address, f"reference_images[{index}]")
        return facts if isinstance(facts, ImageFacts) else None

    def _probe(self, address: str, field: str) -> VideoFacts | ImageFacts | None:
        def refuse(message: str, advice: str) -> None:
            self.problems.append(Problem(field=field, message=message, advice=advice))

        try:
            self._check_reach(address, refuse)
            with open_medium(address, self._market.known) as medium:
                self.identities[address] = medium.identity
                probe = probe_video if field == "video" else probe_image
                return probe(medium.stream, medium.size_bytes)
        except MediumUnavailable as error:
            if self._market.unprobed and address.lower().startswith(("http://", "https://")):
                self.identities[address] = unopened_identity(address)
            else:
                refuse(error.reason, error.advice)
        except UnreadableMedia as error:
            refuse(error.reason, "give another file" if field != "video" else "give a playable MP4 or MOV")
        except OSError as error:
            refuse(f"{printable(address)} cannot be read: {error}", "try again, or check the storage")
        return None

    def _check_reach(self, address: str, refuse: Any) -> None:
        """Adds a problem when the provider could not fetch the medium, however good it is."""
        try:
            way_to(address, self._market, self._offer)
        except OutOfReach as error:
            refuse(error.reason, error.advice)


def _safe(stem: str) -> str:
    """Returns a clip's own name as a safe file name."""
    safe = "".join(c if c.isalnum() or c in "-_. ()" else "_" for c in unicodedata.normalize("NFC", stem))
    while len(safe.encode()) > 100:
        safe = safe[:-1]
    return safe.strip(". ") or "clip"
