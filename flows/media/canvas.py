"""What our pictures are drawn with: colours, the built-in font, labels, rounded frames, and JPEG under a size."""

import io
import re
import unicodedata
from bisect import bisect_right
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFont

BACKGROUND = (17, 19, 24)
TEXT = (240, 242, 245)
QUIET = (148, 156, 168)
BEFORE = (148, 156, 168)
AFTER = (255, 176, 84)
_PILL = (10, 12, 16, 190)
_CORNER = 6
_SMOOTHING = 4
_QUALITIES = (88, 82, 74, 66, 56, 44)
_SHRINK = 0.85
# Letters that do not come apart into a plain letter and an accent.
_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "×": "x"})


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns Pillow's built-in font at a size in pixels."""
    return ImageFont.load_default(size)


def printable(text: str) -> str:
    """Returns text as the built-in font can draw it: without accents, with "…" for other scripts.

    Text of which nothing would be left to read becomes empty.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"[^\x20-\x7e·…°]+", "…", plain).strip()
    return plain if any(letter.isalnum() for letter in plain) else ""


def fitted(text: str, size: int, width: float) -> str:
    """Returns printable text, shortened with "…" until it is no wider than ``width`` pixels."""
    text = printable(text)
    if font(size).getlength(text) <= width:
        return text
    longest = bisect_right(range(len(text)), width, key=lambda end: font(size).getlength(text[:end] + "…"))
    return text[: longest - 1].rstrip() + "…"


def place(canvas: Image.Image, picture: Image.Image, at: tuple[int, int]) -> None:
    """Pastes a picture with rounded corners."""
    canvas.paste(picture, at, _rounded(picture.size))


@lru_cache(maxsize=8)  # all pictures of a sheet have one size, and most sheets of a batch the same
def _rounded(size: tuple[int, int]) -> Image.Image:
    """Returns a mask with smooth round corners."""
    large = (size[0] * _SMOOTHING, size[1] * _SMOOTHING)
    mask = Image.new("L", large)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *large), _CORNER * _SMOOTHING, fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)


def pill(canvas: Image.Image, text: str, at: tuple[int, int], size: int, *, colour: tuple[int, int, int]) -> None:
    """Draws a small label on a dark, see-through ground.

    Args:
        canvas: What to draw on.
        text: The label.
        at: Its lower left corner in pixels.
        size: Height of the letters in pixels.
        colour: Colour of the letters.
    """
    pad = size // 2
    height = size + pad
    left, bottom = at
    right = left + round(font(size).getlength(text)) + 2 * pad
    draw = ImageDraw.Draw(canvas, "RGBA")
    draw.rounded_rectangle((left, bottom - height, right, bottom), _CORNER - 1, fill=_PILL)
    draw.text((left + pad, bottom - height / 2), text, font=font(size), fill=colour, anchor="lm")


def jpeg(picture: Image.Image, limit: int) -> bytes:
    """Encodes as JPEG in at most ``limit`` bytes, giving up quality first and size after that."""
    while True:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= limit:
                return buffer.getvalue()
        picture = picture.resize((round(picture.width * _SHRINK), round(picture.height * _SHRINK)))
