"""Notices what stands still in the corner where providers put their mark, while the picture moves behind it."""

from collections.abc import Sequence
from functools import reduce

from PIL import Image, ImageChops, ImageFilter

#: The part of the picture, from its lower right corner, that the providers' documents show their mark in.
_WIDE, _HIGH = 0.3, 0.14
#: Levels of 255 by which an outline stands out from what is around it, in every sample.
_OUTLINE = 40
#: Share of the corner that such outlines fill when there is a mark, and how much less anything else has of them.
_MARK_SHARE = 0.01
_ELSEWHERE = 0.4


def is_marked(clips: Sequence[Image.Image], results: Sequence[Image.Image]) -> bool:
    """Whether samples of a result have outlines in their lower right corner that never move, and the clip has none.

    Outlines of what moves, or of what a still scene shows everywhere, do not count.

    Args:
        clips: Samples of the clip.
        results: Samples of the result at the same moments.
    """
    corner, rest = _shares(results)
    before, _ = _shares(clips)
    return corner >= _MARK_SHARE and max(before, rest) < _ELSEWHERE * corner


def _shares(pictures: Sequence[Image.Image]) -> tuple[float, float]:
    """Returns how much of the corner, and how much of the rest, lasting outlines fill."""
    size = pictures[0].size
    edges = [picture.convert("L").filter(ImageFilter.FIND_EDGES) for picture in pictures if picture.size == size]
    lasting = reduce(ImageChops.darker, edges).point(lambda level: 255 if level >= _OUTLINE else 0)
    # The filter leaves the outermost pixels as they are, which would pass for outlines.
    lasting = lasting.crop((2, 2, size[0] - 2, size[1] - 2))
    left, top = round(lasting.width * (1 - _WIDE)), round(lasting.height * (1 - _HIGH))
    corner = lasting.crop((left, top, lasting.width, lasting.height))
    found = corner.histogram()[255]
    area = corner.width * corner.height
    others = lasting.histogram()[255] - found
    return found / area, others / (lasting.width * lasting.height - area)
