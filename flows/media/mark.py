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
    width, height = results[0].size
    corner = (round(width * (1 - _WIDE)), round(height * (1 - _HIGH)), width, height)
    found, area = _lasting_outlines(results, corner)
    if found < _MARK_SHARE * area:
        return False
    everywhere, whole = _lasting_outlines(results, (0, 0, width, height))
    rest = (everywhere - found) / (whole - area)
    before, before_area = _lasting_outlines([clip.resize((width, height)) for clip in clips], corner)
    return max(before / before_area, rest) < _ELSEWHERE * found / area


def _lasting_outlines(pictures: Sequence[Image.Image], box: tuple[int, int, int, int]) -> tuple[int, int]:
    """Returns how many pixels of a part of all pictures are on outlines that never move, and how many it has."""
    edges = [picture.crop(box).convert("L").filter(ImageFilter.FIND_EDGES) for picture in pictures]
    # The filter leaves the outermost pixels as they are, which would pass for outlines.
    lasting = reduce(ImageChops.darker, edges).crop((2, 2, edges[0].width - 2, edges[0].height - 2))
    return sum(lasting.histogram()[_OUTLINE:]), lasting.width * lasting.height
