"""Looks at samples of a result for what commonly goes wrong: black, frozen, silent, marked, or not edited at all."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import BinaryIO

from PIL import Image, ImageChops, ImageStat

from flows.media.frames import frames_at
from flows.media.mark import is_marked
from flows.media.probe import probe_video
from flows.media.sound import is_silent
from flows.media.source import whole

_SAMPLE_SECONDS = 0.5
_MIN_SAMPLES, _MAX_SAMPLES = 4, 30
_PICTURE, _THUMBNAIL = (480, 480), (32, 32)
_SHORTEST_STRETCH_SECONDS = 1.0

# Levels of 255. Encoding noise moves the mean of a motionless picture by about a tenth of a level.
_BLACK_MEAN, _BLACK_PEAK = 12.0, 48
_STILL_CHANGE = 0.3
_MOVING_CHANGE = 1.0
_EDITED_CHANGE = 14
# A hat is about one part in a hundred of a picture; fewer changed parts are not an edit anyone would see.
_EDITED_SHARE = 0.01


def quality_notes(before: BinaryIO, after: Path, *, may_be_marked: bool = False) -> list[str]:
    """Compares samples of a result with the clip it was made from.

    These are reasons for a person to look, not verdicts: a fade to black may be what the prompt wanted.

    Args:
        before: The clip, seekable.
        after: The result.
        may_be_marked: Whether the provider's mark was asked for.

    Returns:
        One clause for each thing noticed, such as "it is black from 2.0 s to 4.5 s".

    Raises:
        UnreadableMedia: Either is not a video that can be decoded.
    """
    with after.open("rb") as stream:
        moments = sample_moments(probe_video(stream, after.stat().st_size).duration_seconds)
        result_pictures = _pictures(stream, moments)
        silent = is_silent(stream)
    clip_pictures = _pictures(before, moments)
    results, clips = _thumbnails(result_pictures), _thumbnails(clip_pictures)

    dark = [_is_black(result) and not _is_black(clip) for clip, result in zip(clips, results, strict=True)]
    still = [
        _change(results, at) < _STILL_CHANGE and _change(clips, at) > _MOVING_CHANGE and not dark[at]
        for at in range(len(moments))
    ]
    notes = [f"it is black from {begin:.1f} s to {end:.1f} s" for begin, end in stretches(dark, moments)]
    notes += [f"it stands still from {begin:.1f} s to {end:.1f} s" for begin, end in stretches(still, moments)]
    changed = [_changed_share(clip, result) for clip, result in zip(clips, results, strict=True)]
    # The median, because another frame rate alone shifts what moves quickly at single moments.
    if median(changed) < _EDITED_SHARE:
        notes.append("most of it looks the same as the input: the edit may not have taken")
    if not may_be_marked and is_marked(clip_pictures, result_pictures):
        notes.append("something like a watermark stands in its lower right corner; none was asked for")
    if silent and not is_silent(before):
        notes.append("its sound is silent from beginning to end")
    return notes


def sample_moments(duration: float) -> list[float]:
    """Returns evenly spread moments of a video that lasts ``duration`` seconds, about two a second."""
    count = min(max(round(duration / _SAMPLE_SECONDS), _MIN_SAMPLES), _MAX_SAMPLES)
    return [(index + 0.5) * duration / count for index in range(count)]


def stretches(flags: Sequence[bool], moments: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yields begin and end in seconds of each run of true flags that lasts long enough to matter."""
    half = moments[0]
    begin: float | None = None
    for flag, moment in zip((*flags, False), (*moments, moments[-1] + 2 * half), strict=True):
        if flag and begin is None:
            begin = moment - half
        elif not flag and begin is not None:
            if moment - half - begin >= _SHORTEST_STRETCH_SECONDS:
                yield begin, moment - half
            begin = None


def _pictures(stream: BinaryIO, moments: Sequence[float]) -> list[Image.Image]:
    return list(frames_at(whole(stream), moments, box=_PICTURE))


def _thumbnails(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    return [picture.resize(_THUMBNAIL, Image.Resampling.BOX) for picture in pictures]


def _is_black(picture: Image.Image) -> bool:
    grey = ImageStat.Stat(picture.convert("L"))
    return grey.mean[0] < _BLACK_MEAN and grey.extrema[0][1] < _BLACK_PEAK


def _change(pictures: Sequence[Image.Image], at: int) -> float:
    """Mean change to the next sample, for the last from the one before."""
    other = pictures[at + 1] if at + 1 < len(pictures) else pictures[at - 1]
    return max(ImageStat.Stat(ImageChops.difference(pictures[at], other)).mean)


def _changed_share(one: Image.Image, other: Image.Image) -> float:
    channels = [channel.histogram() for channel in ImageChops.difference(one, other).split()]
    return max(sum(counts[_EDITED_CHANGE:]) / sum(counts) for counts in channels)
