"""Says whether a downloaded result is a playable video, and whether it is what was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flows.media.film import Film, open_film
from flows.media.samples import Samples, samples_of
from flows.media.unreadable import UnreadableMedia, UnshowableMedia
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
        samples: How it looks, None when that cannot be shown.
        is_silent: Whether it has sound of which nothing can be heard.
    """

    facts: VideoFacts | None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    samples: Samples | None = None
    is_silent: bool = False


def verify_result(path: Path, expected: Expected) -> Verification:
    """Decodes a result from beginning to end, and compares it with what was asked.

    Args:
        path: The downloaded file.
        expected: What was asked.

    Raises:
        OSError: The file cannot be opened or read.
    """
    facts = None
    try:
        with path.open("rb") as stream, open_film(stream) as film:
            facts = film.facts
            if facts.container not in _MP4_FAMILY:
                return Verification(facts, [f"it is a video in {facts.container} format, not an MP4"])
            samples = _samples(film)
            film.watch_to_its_end()
            problems, notes = _damage(film)
            return Verification(facts, problems, [*notes, *_differences(facts, expected)], samples, film.is_silent())
    except UnreadableMedia as error:
        return Verification(facts, [error.reason])


def _samples(film: Film) -> Samples | None:
    try:
        return samples_of(film)
    except UnshowableMedia:
        return None


def _damage(film: Film) -> tuple[list[str], list[str]]:
    """Returns what makes it unplayable, and what only disturbs: players go on at the next keyframe."""
    problems, notes = [], []
    if any(before < _FIRST_PICTURES for before, _ in film.damaged):
        problems.append("its first pictures are damaged")
    if any(moment >= film.last_keyframe for _, moment in film.damaged):
        problems.append("its last pictures are damaged")
    if film.damaged and not problems:
        notes.append(f"some of its pictures are damaged, from {film.damaged[0][1]:.1f} s on")
    return problems, notes


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
