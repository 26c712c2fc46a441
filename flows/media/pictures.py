"""Pictures for people: a contact sheet, and before and after side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageDraw

from flows.media import canvas
from flows.media.film import Film, open_film
from flows.media.samples import Samples

_SHEET_BYTES = 300_000
_PAIR_BYTES = 60_000

_MARGIN, _GAP = 32, 12
_TITLE, _DETAIL, _CAPTION, _TIMECODE = 30, 17, 19, 14
_TITLE_BLOCK = 62
_CAPTION_BLOCK = 38
_STRIP_GAP = 26

_PAIR_WIDTH, _PAIR_MAX_HEIGHT = 960, 540
_PAIR_MARGIN, _PAIR_LABEL = 12, 16


@dataclass(frozen=True)
class _Strip:
    """A row (or rows) of frames under one caption."""

    name: str
    colour: tuple[int, int, int]
    detail: str
    moments: Sequence[float]
    frames: Sequence[Image.Image]

    @property
    def frame_height(self) -> int:
        return max(frame.height for frame in self.frames)

    def height(self, columns: int) -> int:
        rows = -(-len(self.frames) // columns)
        return _CAPTION_BLOCK + rows * self.frame_height + (rows - 1) * _GAP


def contact_sheet(before: Samples | None, after: Samples, *, title: str, columns: int = 4) -> bytes:
    """Draws pictures of the clip over pictures of the result, column by column at the same moments.

    Args:
        before: The clip, at the moments of the result; None shows the result alone, in two rows.
        after: The result.
        title: Headline. Scripts the built-in font lacks are left out.
        columns: Pictures in a row.

    Returns:
        A JPEG of at most 300 KB.
    """
    shown = after.some(columns if before else 2 * columns)
    strips = [_strip("after", canvas.AFTER, after, shown)]
    if before:
        strips.insert(0, _strip("before", canvas.BEFORE, before, shown))
    return canvas.jpeg(_draw_sheet(strips, title, columns), _SHEET_BYTES)


def before_after(before: BinaryIO, after: Path) -> bytes:
    """Draws the middle of the result beside the same moment of the clip.

    Args:
        before: The clip, seekable.
        after: The result.

    Returns:
        A JPEG 960 pixels wide, of at most 60 KB, so that it can be embedded in a page.

    Raises:
        UnreadableMedia: Either is not a video that can be decoded.
    """
    with after.open("rb") as stream, open_film(stream) as film:
        middle = film.facts.duration_seconds / 2
        result = _still(film, middle)
    with open_film(before) as film:
        clip = _still(film, middle)

    aspects = [picture.width / picture.height for picture in (clip, result)]
    height = min(_PAIR_MAX_HEIGHT, round((_PAIR_WIDTH - 3 * _PAIR_MARGIN) / sum(aspects)))
    pair = [
        picture.resize((round(height * aspect), height), Image.Resampling.LANCZOS)
        for picture, aspect in zip((clip, result), aspects, strict=True)
    ]
    page = Image.new("RGB", (_PAIR_WIDTH, height + 2 * _PAIR_MARGIN), canvas.BACKGROUND)
    left = (_PAIR_WIDTH - pair[0].width - pair[1].width - _PAIR_MARGIN) // 2
    for picture, label, colour in zip(pair, ("before", "after"), (canvas.TEXT, canvas.AFTER), strict=True):
        canvas.place(page, picture, (left, _PAIR_MARGIN))
        corner = (left + 8, height + _PAIR_MARGIN - 8)
        canvas.pill(page, label, corner, _PAIR_LABEL, colour=colour)
        left += picture.width + _PAIR_MARGIN
    return canvas.jpeg(page, _PAIR_BYTES)


def _still(film: Film, moment: float) -> Image.Image:
    film.skip_to(moment)
    return next(film.pictures_at([moment], (_PAIR_WIDTH, _PAIR_MAX_HEIGHT)))


def _strip(name: str, colour: tuple[int, int, int], samples: Samples, shown: Sequence[int]) -> _Strip:
    facts = samples.facts
    sound = "with sound" if facts.has_audio else "no sound"
    detail = f"{facts.width} x {facts.height} · {facts.duration_seconds:.1f} s · {facts.frame_rate:g} fps · {sound}"
    moments, frames = [samples.moments[index] for index in shown], [samples.pictures[index] for index in shown]
    return _Strip(name, colour, detail, moments, frames)


def _draw_sheet(strips: Sequence[_Strip], title: str, columns: int) -> Image.Image:
    cell = max(frame.width for strip in strips for frame in strip.frames)
    width = columns * cell + (columns - 1) * _GAP + 2 * _MARGIN
    headline = canvas.fitted(title, _TITLE, width - 2 * _MARGIN)
    top = _MARGIN + (_TITLE_BLOCK if headline else 0)
    height = top + sum(strip.height(columns) for strip in strips) + (len(strips) - 1) * _STRIP_GAP + _MARGIN
    sheet = Image.new("RGB", (width, height), canvas.BACKGROUND)
    ImageDraw.Draw(sheet).text((_MARGIN, _MARGIN), headline, font=canvas.font(_TITLE), fill=canvas.TEXT)
    for strip in strips:
        _draw_strip(sheet, strip, top, cell, columns)
        top += strip.height(columns) + _STRIP_GAP
    return sheet


def _draw_strip(sheet: Image.Image, strip: _Strip, top: int, cell: int, columns: int) -> None:
    draw = ImageDraw.Draw(sheet)
    baseline = top + _CAPTION
    draw.rounded_rectangle((_MARGIN, top + 2, _MARGIN + 4, top + _CAPTION + 4), 2, fill=strip.colour)
    draw.text((_MARGIN + 14, baseline), strip.name, font=canvas.font(_CAPTION), fill=canvas.TEXT, anchor="ls")
    indent = _MARGIN + 14 + canvas.font(_CAPTION).getlength(strip.name) + 14
    detail = canvas.fitted(strip.detail, _DETAIL, sheet.width - _MARGIN - indent)
    draw.text((indent, baseline), detail, font=canvas.font(_DETAIL), fill=canvas.QUIET, anchor="ls")
    for index, (moment, frame) in enumerate(zip(strip.moments, strip.frames, strict=True)):
        row, column = divmod(index, columns)
        left = _MARGIN + column * (cell + _GAP) + (cell - frame.width) // 2
        above = top + _CAPTION_BLOCK + row * (strip.frame_height + _GAP)
        canvas.place(sheet, frame, (left, above))
        timecode = f"{int(moment // 60)}:{moment % 60:04.1f}"
        corner = (left + 6, above + frame.height - 6)
        canvas.pill(sheet, timecode, corner, _TIMECODE, colour=canvas.TEXT)
