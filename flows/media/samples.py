"""Samples of a video: small pictures at evenly spread moments, and whether it can be heard, from one look at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from flows.media.frames import frames_at
from flows.media.probe import probe_video
from flows.media.sound import is_silent
from flows.media.source import whole
from flows.rules.facts import VideoFacts

_SAMPLE_SECONDS = 0.5
_MIN_SAMPLES, _MAX_SAMPLES = 8, 30
_BOX = (480, 480)


@dataclass(frozen=True)
class Samples:
    """What was seen and heard of a video.

    Attributes:
        facts: What its headers say.
        moments: When the pictures are shown, in seconds from the beginning, rising and evenly spread.
        pictures: One upright picture for each moment, at most 480 pixels wide and high.
        is_silent: Whether it has sound of which nothing can be heard.
    """

    facts: VideoFacts
    moments: Sequence[float]
    pictures: Sequence[Image.Image]
    is_silent: bool

    def some(self, count: int) -> list[int]:
        """Returns the indices of ``count`` pictures, evenly spread, a little inside both often black ends."""
        return [int((index + 0.5) * len(self.moments) / count) for index in range(count)]


def samples_of(stream: BinaryIO, moments: Sequence[float] | None = None) -> Samples:
    """Looks at a video.

    Args:
        stream: The video, seekable.
        moments: Those of another video, to compare the two; one past the end shows the last picture.

    Raises:
        UnreadableMedia: It is not a video that can be decoded.
    """
    source = whole(stream)
    facts = probe_video(stream, source.size)
    moments = moments or sample_moments(facts.duration_seconds)
    return Samples(facts, moments, list(frames_at(source, moments, _BOX)), is_silent(stream))


def sample_moments(duration: float) -> list[float]:
    """Returns evenly spread moments of a video that lasts ``duration`` seconds, about two a second."""
    count = min(max(round(duration / _SAMPLE_SECONDS), _MIN_SAMPLES), _MAX_SAMPLES)
    return [(index + 0.5) * duration / count for index in range(count)]
