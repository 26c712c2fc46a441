"""Says whether a downloaded result is a playable video, and whether it is what was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from flows.media.probe import probe_video
from flows.media.source import Source, open_container
from flows.media.streams import video_stream
from flows.media.unreadable import UnreadableMedia
from flows.rules.facts import VideoFacts

_MP4_FAMILY = {"mp4", "mov", "3gp"}
_FIRST_PICTURES = 5
_DURATION_SECONDS = 0.5
_DURATION_SHARE = 0.1
_RATIO_SHARE = 0.03
# Every size of a tier has about the pixels of its 16:9 picture, in the table of the Wan video editing reference.
_TIER_PIXELS = {"720P": 1280 * 720, "1080P": 1920 * 1080}
_TIER_SHARE = 0.15


@dataclass(frozen=True)
class Expected:
    """What was asked of the provider, as far as a result can be held to it; None means nothing was asked.

    Attributes:
        duration_seconds: Length of the result.
        resolution: Size tier, ``720P`` or ``1080P``.
        ratio: Width to height, such as ``16:9``.
        audio: Whether it should have sound.
    """

    duration_seconds: float | None = None
    resolution: str | None = None
    ratio: str | None = None
    audio: bool | None = None


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        facts: What the headers say; None when they could not be read.
        problems: Why it is not a playable video; empty when it is.
        notes: In what it is not as asked, though it plays.
    """

    facts: VideoFacts | None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify_result(path: Path, expected: Expected) -> Verification:
    """Opens a result as a video, decodes its beginning and its end, and compares it with what was asked.

    Args:
        path: The downloaded file.
        expected: What was asked.

    Raises:
        OSError: The file cannot be opened or read.
    """
    with path.open("rb") as stream:
        source = Source(stream, path.stat().st_size)
        try:
            facts = probe_video(stream, source.size)
        except UnreadableMedia as error:
            return Verification(None, [error.reason])
        if facts.container not in _MP4_FAMILY:
            return Verification(facts, [f"it is a video in {facts.container} format, not an MP4"])
        try:
            problems = list(_decoding_problems(source))
        except UnreadableMedia as error:
            problems = [error.reason]
    return Verification(facts, problems, list(_differences(facts, expected)))


def _decoding_problems(source: Source) -> Iterator[str]:
    with open_container(source) as container:
        video = video_stream(container)
        video.thread_type = "AUTO"
        yield from _damage(container, video, "first", _FIRST_PICTURES)
        container.seek((video.start_time or 0) + (video.duration or 0), stream=video)
        yield from _damage(container, video, "last", None)


def _damage(container: InputContainer, video: VideoStream, which: str, count: int | None) -> Iterator[str]:
    seen = 0
    try:
        for frame in islice(container.decode(video), count):
            seen += 1
            if frame.is_corrupt:
                yield f"its {which} pictures are damaged"
                return
    except av.error.InvalidDataError:
        yield f"its {which} pictures cannot be decoded"
        return
    if not seen:
        yield f"its {which} pictures are missing"


def _differences(facts: VideoFacts, expected: Expected) -> Iterator[str]:
    size = f"{facts.width} x {facts.height} pixels"
    if facts.container != "mp4":
        yield f"it is a {facts.container.upper()} file, an MP4 was expected"
    if facts.codec != "h264":
        yield f"it is encoded as {facts.codec}, h264 was expected"
    if expected.duration_seconds is not None:
        tolerance = max(_DURATION_SECONDS, _DURATION_SHARE * expected.duration_seconds)
        if abs(facts.duration_seconds - expected.duration_seconds) > tolerance:
            yield f"it lasts {facts.duration_seconds:.1f} s, {expected.duration_seconds:.1f} s were asked for"
    if expected.resolution in _TIER_PIXELS:
        wanted = _TIER_PIXELS[expected.resolution]
        if abs(facts.width * facts.height - wanted) > _TIER_SHARE * wanted:
            yield f"it has {size}, which is not the {expected.resolution} that was asked for"
    if expected.ratio is not None:
        wide, _, high = expected.ratio.partition(":")
        wanted_ratio = float(wide) / float(high)
        if abs(facts.width / facts.height - wanted_ratio) > _RATIO_SHARE * wanted_ratio:
            yield f"it has {size}, which is not the ratio {expected.ratio} that was asked for"
    if expected.audio is not None and facts.has_audio != expected.audio:
        yield "it has no sound" if expected.audio else "it has sound, none was expected"
