"""Checking fetched media against a model's published limits."""

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
from PIL import Image, UnidentifiedImageError

from deployments.emulator.catalog import ImageLimits, VideoLimits
from deployments.emulator.errors import MEDIA_UNREADABLE, ErrorText, RefusedError, file_error


@dataclass(frozen=True)
class Clip:
    """A clip that passed.

    Attributes:
        path: Where it lies.
        digest: SHA-256 of its bytes.
        size: Width and height in pixels as a player shows it.
        turn: Degrees that a player turns the stored picture counter-clockwise; a multiple of 90.
        seconds: Length of its picture.
    """

    path: Path
    digest: str
    size: tuple[int, int]
    turn: int
    seconds: float


@dataclass(frozen=True)
class _Probe:
    size: tuple[int, int]
    turn: int
    seconds: float
    frame_rate: float
    container: str


def admit_clip(data: bytes, limits: VideoLimits, folder: Path) -> Clip:
    """Check a fetched clip and put it on disk, once for equal bytes.

    Args:
        data: The fetched bytes.
        limits: What the model takes.
        folder: Where clips are kept for the studio.

    Raises:
        RefusedError: It breaks a limit or is not a video.
    """
    if len(data) > limits.size:
        most = limits.size // (1024 * 1024)
        raise RefusedError(file_error("Size", f"Invalid file size. The video file size must be less than {most}MB."))
    digest = hashlib.sha256(data).hexdigest()
    path = folder / digest
    if not path.exists():
        partial = path.with_name(f"{digest}.{id(data)}")
        partial.write_bytes(data)
        partial.replace(path)
    probe = _probe(path)
    problem = _video_problem(probe, limits)
    if problem is not None:
        raise RefusedError(problem)
    return Clip(path, digest, probe.size, probe.turn, probe.seconds)


def admit_image(data: bytes, limits: ImageLimits) -> Image.Image:
    """Check a fetched reference image and decode it.

    Raises:
        RefusedError: It breaks a limit or is not an image.
    """
    if len(data) > limits.size:
        most = limits.size // (1024 * 1024)
        raise RefusedError(file_error("ImageSize", f"Invalid file size. The image size must be less than {most}MB."))
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise RefusedError(MEDIA_UNREADABLE) from error
    problem = _image_problem(image, limits)
    if problem is not None:
        raise RefusedError(problem)
    return image


@lru_cache(maxsize=256)
def _probe(path: Path) -> _Probe:
    try:
        with av.open(str(path)) as clip:
            stream = clip.streams.video[0]
            seconds = (
                float(stream.duration * stream.time_base)
                if stream.duration and stream.time_base
                else (clip.duration or 0) / av.time_base
            )
            rate = float(stream.average_rate or stream.base_rate or 0)
            turn = 90 * round(next(clip.decode(stream)).rotation / 90)
            width, height = round(stream.width * (stream.sample_aspect_ratio or 1)), stream.height
            size = (height, width) if turn % 180 else (width, height)
            return _Probe(size, turn, seconds, rate, clip.format.name)
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise RefusedError(file_error("Openerror", "Failed to open the input video file.")) from error


def _video_problem(probe: _Probe, limits: VideoLimits) -> ErrorText | None:
    shortest, longest = limits.seconds
    short, long = sorted(probe.size)
    if "mp4" not in probe.container:
        return file_error("Format", "Invalid file format. The video format must be mp4 or mov.")
    # Containers round: a clip cut to exactly the limit may announce a few hundredths more.
    if not shortest - 0.05 <= probe.seconds <= longest + 0.05:
        return file_error(
            "Duration",
            f"Invalid file duration. The file duration must be {shortest:g} s ~ {longest:g} s.",
        )
    if short < limits.short_side or long > limits.long_side:
        return file_error(
            "Resolution",
            f"Invalid video resolution. The sides must be {limits.short_side} ~ {limits.long_side} pixels.",
        )
    if long / short > limits.aspect:
        return file_error("AspectRatio", f"Invalid aspect ratio. It must be 1:{limits.aspect:g} ~ {limits.aspect:g}:1.")
    if limits.frame_rate and not limits.frame_rate[0] <= round(probe.frame_rate, 2) <= limits.frame_rate[1]:
        low, high = limits.frame_rate
        return file_error("FPS", f"Invalid video FPS. The video FPS must be {low} ~ {high}.")
    return None


def _image_problem(image: Image.Image, limits: ImageLimits) -> ErrorText | None:
    least, most = limits.sides
    short, long = sorted(image.size)
    if image.format not in limits.formats:
        return file_error("Format", f"Invalid image format: {image.format}.")
    if not limits.alpha and image.has_transparency_data:
        return file_error("Format", "Invalid image format. The alpha channel is not supported.")
    if short < least or (most is not None and long > most):
        return file_error("ImageSize", f"Invalid image size. The sides must be {least} ~ {most or 'any'} pixels.")
    if long / short > limits.aspect:
        return file_error("AspectRatio", f"Invalid aspect ratio. It must be 1:{limits.aspect:g} ~ {limits.aspect:g}:1.")
    return None
