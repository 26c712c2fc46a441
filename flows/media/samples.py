"""Samples of a video: small pictures at evenly spread moments."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from flows.media.film import Film
from flows.rules.facts import VideoFacts

_SAMPLE_SECONDS = 0.5
_MIN_SAMPLES, _MAX_SAMPLES = 8, 30
#: Width and height in pixels that samples fit in.
BOX = (372, 420)


@dataclass(frozen=True)
class Samples:
    """What was seen of a video.

    Attributes:
        facts: What its headers say.
        moments: When the pictures are shown, in seconds from the beginning, rising and evenly spread.
        pictures: One upright picture for each moment, as large as contact sheets show it.
    """

    facts: VideoFacts
    moments: Sequence[float]
    pictures: Sequence[Image.Image]

    def some(self, count: int) -> list[int]:
        """Returns the indices of ``count`` pictures, evenly spread, a little inside both often black ends."""
        return [int((index + 0.5) * len(self.moments) / count) for index in range(count)]


def samples_of(film: Film, moments: Sequence[float] | None = None) -> Samples:
    """Looks at a video, up to the last sample.

    Args:
        film: The video, not looked at yet.
        moments: Those of another video, to compare the two; one past the end shows the last picture.
    """
    moments = moments or sample_moments(film.facts.duration_seconds)
    return Samples(film.facts, moments, list(film.pictures_at(moments, BOX)))


def sample_moments(duration: float) -> list[float]:
    """Returns evenly spread moments of a video that lasts ``duration`` seconds, about two a second."""
    count = min(max(round(duration / _SAMPLE_SECONDS), _MIN_SAMPLES), _MAX_SAMPLES)
    return [(index + 0.5) * duration / count for index in range(count)]
