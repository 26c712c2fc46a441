"""Draws who held which slot when: a row per slot, a bar per job, so that gaps and stragglers are seen at once."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from flows.media import canvas
from flows.running.progress import Stage
from flows.running.tally import SlotUse
from flows.telling.summary import stopwatch

#: The Prefect UI shows it in a column of about 700 pixels, where its letters still have to be read.
_WIDTH = 1100
_MARGIN, _NUMBERS = 20, 58
_HEADING, _LABEL, _AXIS = 20, 17, 16
_HEADING_BLOCK, _AXIS_BLOCK = 46, 32
#: A slot's row takes as many pixels as there is room for all of them in this height.
_ALL_ROWS, _THICK, _THIN = 1200, 32, 6
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
_MOST_TICKS = 9
_COLOURS = {
    Stage.PERSISTING: canvas.AFTER,
    Stage.DONE: canvas.AFTER,
    Stage.FAILED: (226, 92, 92),
    Stage.HELD: (232, 206, 88),
}
_HOLDS_STILL = (92, 176, 226)
_GROUND = (30, 34, 42)
_ON_A_BAR = (24, 20, 12)


def drawn_timeline(uses: Sequence[SlotUse], now: float) -> bytes:
    """Draws a run's slots over time.

    Args:
        uses: Who held which slot when; at least one.
        now: The moment up to which is drawn, in seconds on the run's clock.

    Returns:
        A PNG 1100 pixels wide. A bar's colour says how the job went on: fetched, failed, held, or holding the slot
        still; its name stands in it where it fits.
    """
    rows = sorted({(use.lane.name, use.number) for use in uses})
    lanes = sorted({name for name, _ in rows})
    thick = max(_THIN, min(_THICK, _ALL_ROWS // len(rows)))
    height = 2 * _MARGIN + len(rows) * thick + len(lanes) * _HEADING_BLOCK + _AXIS_BLOCK
    picture = Image.new("RGB", (_WIDTH, height), canvas.BACKGROUND)
    draw = ImageDraw.Draw(picture)
    scale = _Scale(min(use.begin for use in uses), max(now, *(use.end or now for use in uses)))
    tops, top = {}, _MARGIN
    for lane in lanes:
        draw.text((_MARGIN, top + 10), canvas.printable(lane), font=canvas.font(_HEADING), fill=canvas.TEXT)
        top += _HEADING_BLOCK
        for _, number in (row for row in rows if row[0] == lane):
            tops[lane, number] = top
            draw.rectangle((_MARGIN + _NUMBERS, top + 1, _WIDTH - _MARGIN, top + thick - 2), fill=_GROUND)
            if thick > _LABEL:
                where = (_MARGIN, top + thick / 2)
                draw.text(where, f"slot {number}", font=canvas.font(_AXIS), fill=canvas.QUIET, anchor="lm")
            top += thick
    _draw_axis(draw, scale, top)
    for use in uses:
        _draw_bar(draw, scale, use, tops[use.lane.name, use.number], thick)
    buffer = io.BytesIO()
    picture.quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


class _Scale:
    """Where moments are in the picture."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin = begin
        self.seconds = max(end - begin, 1.0)

    def at(self, moment: float) -> float:
        width = _WIDTH - 2 * _MARGIN - _NUMBERS
        return _MARGIN + _NUMBERS + width * (moment - self.begin) / self.seconds


def _draw_axis(draw: ImageDraw.ImageDraw, scale: _Scale, top: int) -> None:
    tick = next((tick for tick in _TICKS if scale.seconds / tick <= _MOST_TICKS), _TICKS[-1])
    for count in range(int(scale.seconds // tick) + 1):
        x = scale.at(scale.begin + count * tick)
        draw.line((x, top, x, top + 5), fill=canvas.QUIET)
        anchor = "ra" if x > _WIDTH - 2 * _MARGIN else "la"
        draw.text((x, top + 8), stopwatch(count * tick), font=canvas.font(_AXIS), fill=canvas.QUIET, anchor=anchor)


def _draw_bar(draw: ImageDraw.ImageDraw, scale: _Scale, use: SlotUse, top: int, thick: int) -> None:
    left = scale.at(use.begin)
    right = max(left + 2, scale.at(scale.begin + scale.seconds if use.end is None else use.end) - 1)
    colour = _HOLDS_STILL if use.then is None else _COLOURS.get(use.then, canvas.QUIET)
    draw.rounded_rectangle((left, top + 2, right, top + thick - 3), min(4, thick // 4), fill=colour)
    room = right - left - 12
    name = canvas.fitted(use.name, _LABEL, room) if thick > _LABEL and room > 2 * _LABEL else ""
    draw.text((left + 6, top + thick / 2), name, font=canvas.font(_LABEL), fill=_ON_A_BAR, anchor="lm")
