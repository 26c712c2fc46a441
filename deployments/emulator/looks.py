"""What the studio does to a picture: a handful of looks, each a chain of FFmpeg filters.

The words of the prompt choose the look, so that a person sees the instruction followed. A prompt
without a word we know gets a look by its hash: the same prompt always looks the same.
"""

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """One recognisable change of the picture.

    Attributes:
        name: Short name, used in cache keys and tests.
        words: Beginnings of English words in a prompt that ask for this look.
        filters: FFmpeg filters as (name, arguments), in order.
    """

    name: str
    words: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]


LOOKS: tuple[Look, ...] = (
    Look(
        "clay",
        ("clay", "plasticine", "stop-motion", "poster"),
        (
            ("avgblur", "sizeX=4"),
            ("lutyuv", "y='floor(val/36)*36+18':u='(val-128)*1.7+128':v='(val-128)*1.7+128'"),
        ),
    ),
    Look(
        "pencil",
        ("pencil", "sketch", "drawing", "line art", "ink"),
        (("format", "gray"), ("sobel", "scale=1.6"), ("negate", ""), ("format", "yuv420p")),
    ),
    Look(
        "night",
        ("night", "blue", "moon", "dark"),
        (("lutyuv", "y='16+(val-16)*0.45':u='val*0.8+48':v='val*0.8+16'"), ("vignette", "")),
    ),
    Look(
        "sunset",
        ("sunset", "sunrise", "warm", "golden", "autumn", "orange"),
        (("lutyuv", "y='16+(val-16)*0.92':u='val*0.8+4':v='val*0.8+44'"),),
    ),
    Look(
        "cartoon",
        ("cartoon", "anime", "comic", "toon"),
        (
            ("avgblur", "sizeX=2"),
            ("unsharp", "7:7:2.5"),
            ("lutyuv", "y='floor(val/24)*24+12':u='(val-128)*2.2+128':v='(val-128)*2.2+128'"),
        ),
    ),
    Look(
        "noir",
        ("noir", "black and white", "monochrome", "grayscale"),
        (("lutyuv", "y='clip((val-110)*1.5+110,16,235)':u=128:v=128"), ("vignette", "")),
    ),
    Look(
        "vintage",
        ("vintage", "sepia", "retro", "old film"),
        (("lutyuv", "y='val*0.85+24':u=108:v=148"), ("vignette", "")),
    ),
    Look(
        "pixels",
        ("pixel", "8-bit", "game", "lego", "brick"),
        (("pixelize", "width=20:height=20"),),
    ),
    Look(
        "neon",
        ("neon", "cyber", "psychedelic", "alien", "rainbow"),
        (("lutyuv", "u='clip((128-val)*2.2+128,0,255)':v='clip((val-128)*2.2+128,0,255)'"),),
    ),
    Look(
        "snow",
        ("snow", "winter", "ice", "frost", "fog"),
        (("lutyuv", "y='val*0.62+84':u='val*0.6+56':v='val*0.6+46'"),),
    ),
)

_SOUND = re.compile(r"\b(sounds?|music|audio|voices?|song|sing\w*|speech|narrat\w*|soundtrack)\b", re.IGNORECASE)


def look_for(prompt: str) -> Look:
    """The look a prompt asks for.

    Args:
        prompt: The instruction as the provider received it; may be empty.

    Returns:
        The look of the first known word in the prompt, else one chosen by the prompt's hash.
    """
    asked = [
        (found.start(), look)
        for look in LOOKS
        for word in look.words
        if (found := re.search(rf"\b{re.escape(word)}", prompt, re.IGNORECASE))
    ]
    if asked:
        return min(asked, key=lambda pair: pair[0])[1]
    return LOOKS[hashlib.sha256(prompt.encode()).digest()[0] % len(LOOKS)]


def speaks_of_sound(prompt: str) -> bool:
    """Whether a prompt describes sound, in which case `audio_setting: auto` may regenerate it."""
    return bool(_SOUND.search(prompt))
