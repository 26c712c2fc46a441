"""From a request to a finished file: fetch the media, check them, plan the edit, have the studio make it.

The blocking parts run on threads of their own, so that the provider keeps answering: many may fetch,
few may encode.
"""

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

from deployments.emulator.catalog import ModelRules
from deployments.emulator.errors import MEDIA_UNREADABLE, RefusedError
from deployments.emulator.fetch import Fetcher
from deployments.emulator.looks import look_for, speaks_of_sound
from deployments.emulator.media import Clip, admit_clip, admit_image
from deployments.emulator.request import Customer, EditRequest, output_size
from deployments.emulator.store import Store
from deployments.emulator.studio import EditPlan, Effort, render, stamp

_FETCHES_AT_ONCE = 8
_RENDERS_KEPT = 32  # in memory, the latest used


@dataclass(frozen=True)
class Materials:
    """Fetched and admitted media of one request; `digests` name the reference images' bytes."""

    clip: Clip
    references: tuple[Image.Image, ...]
    digests: tuple[str, ...]


class Workshop:
    """Makes results.

    Args:
        folder: Where clips and encoded files are kept.
        store: The temporary store that oss:// addresses point into.
        effort: Whether to edit every frame or hold the first one.
        workers: Edits made at the same time.
    """

    def __init__(self, folder: Path, store: Store, effort: Effort, workers: int) -> None:
        self._clips = folder / "clips"
        self._made = folder / "made"
        for each in (self._clips, self._made):
            each.mkdir(parents=True, exist_ok=True)
        self._fetcher = Fetcher(store)
        self._effort = effort
        self._fetchers = ThreadPoolExecutor(_FETCHES_AT_ONCE, "emulator-fetch")
        self._encoders = ThreadPoolExecutor(workers, "emulator-encode")
        self._renders: dict[tuple[str, tuple[str, ...], EditPlan], asyncio.Task[tuple[bytes, float]]] = {}

    def close(self) -> None:
        """Stop taking work; what is being encoded is finished first."""
        self._fetchers.shutdown(wait=False, cancel_futures=True)
        self._encoders.shutdown(cancel_futures=True)
        self._fetcher.close()

    async def gather(self, request: EditRequest, rules: ModelRules, customer: Customer, now: float) -> Materials:
        """Fetch and check a request's media.

        Args:
            request: What is asked.
            rules: The model's limits.
            customer: Who asks.
            now: Provider time in epoch seconds.

        Raises:
            RefusedError: A medium cannot be had or breaks a limit.
        """

        def work() -> Materials:
            video = self._fetcher.get(request.video, "video", rules.video.size, customer, now)
            clip = admit_clip(video, rules.video, self._clips)
            images = [self._fetcher.get(url, "image", rules.image.size, customer, now) for url in request.references]
            return Materials(
                clip,
                tuple(admit_image(image, rules.image) for image in images),
                tuple(hashlib.sha256(image).hexdigest() for image in images),
            )

        return await asyncio.get_running_loop().run_in_executor(self._fetchers, work)

    async def make(
        self, request: EditRequest, rules: ModelRules, materials: Materials, provider_task_id: str
    ) -> tuple[bytes, float]:
        """Make a result: its bytes and its length in seconds. Equal edits are encoded once."""
        plan = self._plan(request, rules, materials.clip)
        key = (materials.clip.digest, materials.digests, plan)
        rendering = self._renders.pop(key, None) or asyncio.create_task(self._encode(plan, materials))
        self._renders[key] = rendering
        if len(self._renders) > _RENDERS_KEPT:
            del self._renders[next(iter(self._renders))]
        video, seconds = await asyncio.shield(rendering)
        return stamp(video, provider_task_id), seconds

    def _plan(self, request: EditRequest, rules: ModelRules, clip: Clip) -> EditPlan:
        cuts = [float(cut) for cut in (request.duration, rules.longest) if cut is not None]
        return EditPlan(
            look=look_for(request.prompt),
            size=output_size(request, clip.size),
            frame_rate=rules.frame_rate,
            seconds=min(cuts, default=None),
            sound="bed" if request.audio_setting == "auto" and speaks_of_sound(request.prompt) else "keep",
            watermark=rules.watermark_text if request.watermark else None,
            effort=self._effort,
        )

    async def _encode(self, plan: EditPlan, materials: Materials) -> tuple[bytes, float]:
        target = self._made / f"{secrets.token_hex(12)}.mp4"

        def work() -> tuple[bytes, float]:
            try:
                seconds = render(materials.clip, materials.references, plan, target)
                return target.read_bytes(), seconds
            except av.FFmpegError as error:
                raise RefusedError(MEDIA_UNREADABLE) from error
            finally:
                target.unlink(missing_ok=True)

        return await asyncio.get_running_loop().run_in_executor(self._encoders, work)
