"""Looks at samples of a result for what commonly goes wrong: black, frozen, silent, marked, or not edited at all."""

from collections.abc import Iterator, Sequence
from statistics import median

from PIL import Image, ImageChops, ImageStat

from flows.media.mark import is_marked
from flows.media.samples import Samples

_THUMBNAIL = (32, 32)
_SHORTEST_STRETCH_SECONDS = 1.0

# Levels of 255. Encoding noise moves the mean of a motionless picture by about a tenth of a level.
_BLACK_MEAN, _BLACK_PEAK = 12.0, 48
_STILL_CHANGE = 0.3
_MOVING_CHANGE = 1.0
_EDITED_CHANGE = 14
# A hat is about one part in a hundred of a picture; fewer changed parts are not an edit anyone would see.
_EDITED_SHARE = 0.01


def quality_notes(before: Samples, after: Samples, *, silenced: bool = False, may_be_marked: bool = False) -> list[str]:
    """Compares samples of a result with those of the clip it was made from.

    These are reasons for a person to look, not verdicts: a fade to black may be what the prompt wanted.

    Args:
        before: The clip, at the moments of the result.
        after: The result.
        silenced: Whether nothing of its sound can be heard, as was not so in the clip.
        may_be_marked: Whether the provider's mark was asked for.

    Returns:
        One clause for each thing noticed, such as "it is black from 2.0 s to 4.5 s".
    """
    moments = after.moments
    results, clips = _thumbnails(after.pictures), _thumbnails(before.pictures)

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
    if not may_be_marked and is_marked(before.pictures, after.pictures):
        notes.append("something like a watermark stands in its lower right corner; none was asked for")
    if silenced:
        notes.append("its sound is silent from beginning to end")
    return notes


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
