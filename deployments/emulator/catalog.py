"""What each provider offers: two models, their limits, defaults and prices, as of November 2026.

The rules are Alibaba's and APIYI's published ones. Where an early page and a later one differ, the early
one is the default here and the configuration can loosen it.
"""

from dataclasses import dataclass
from typing import Literal

Provider = Literal["dashscope", "apiyi"]
Tier = Literal["720P", "1080P"]

WAN = "wan2.7-videoedit"
HAPPYHORSE = "happyhorse-1.0-video-edit"

RATIOS: dict[tuple[str, str], tuple[int, int]] = {
    ("720P", "16:9"): (1280, 720),
    ("720P", "9:16"): (720, 1280),
    ("720P", "1:1"): (960, 960),
    ("720P", "4:3"): (1104, 832),
    ("720P", "3:4"): (832, 1104),
    ("1080P", "16:9"): (1920, 1080),
    ("1080P", "9:16"): (1080, 1920),
    ("1080P", "1:1"): (1440, 1440),
    ("1080P", "4:3"): (1648, 1248),
    ("1080P", "3:4"): (1248, 1648),
}
"""Output width and height in pixels by resolution tier and asked aspect ratio (Wan's published table)."""

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class VideoLimits:
    """What an input clip must be. Seconds, pixels, bytes; `aspect` bounds the longer side over the shorter."""

    seconds: tuple[float, float]
    short_side: int
    long_side: int
    aspect: float
    frame_rate: tuple[int, int] | None
    size: int = 100 * _MEGABYTE


@dataclass(frozen=True)
class ImageLimits:
    """What a reference image must be. Pixels and bytes; `formats` are Pillow's names."""

    sides: tuple[int, int | None]
    aspect: float
    formats: frozenset[str]
    alpha: bool
    size: int = 20 * _MEGABYTE


@dataclass(frozen=True)
class ModelRules:
    """One model as one provider offers it.

    Attributes:
        prompt_required: Whether a request without a prompt is refused.
        references: Least and greatest number of reference images.
        parameters: Names allowed under `parameters`; any other is refused.
        ignored: Allowed names that change nothing.
        resolution: Tier when none is asked for.
        watermark: Whether a watermark is drawn when nothing is said.
        watermark_text: What it says.
        frame_rate: Frames per second of every result.
        longest: Greatest length of a result in seconds, or None.
        chinese_weight: How many of the 5,000 prompt characters one Chinese character takes.
        regions: Regions that serve the model; empty for every region.
    """

    provider: Provider
    model: str
    prompt_required: bool
    references: tuple[int, int]
    parameters: frozenset[str]
    ignored: frozenset[str]
    resolution: Tier
    watermark: bool
    watermark_text: str
    frame_rate: int
    longest: float | None
    chinese_weight: int
    regions: frozenset[str]
    video: VideoLimits
    image: ImageLimits


_WAN_VIDEO = VideoLimits(seconds=(2, 10), short_side=240, long_side=4096, aspect=8, frame_rate=None)
_WAN_IMAGE = ImageLimits((240, 8000), 8, frozenset({"JPEG", "PNG", "BMP", "WEBP"}), alpha=False)
_HORSE_VIDEO = VideoLimits(seconds=(3, 60), short_side=360, long_side=4096, aspect=2.5, frame_rate=(8, 60))
_HORSE_IMAGE = ImageLimits((300, None), 2.5, frozenset({"JPEG", "PNG", "WEBP"}), alpha=True)
_WAN_PARAMETERS = frozenset({"resolution", "ratio", "duration", "audio_setting", "prompt_extend", "watermark", "seed"})
_HORSE_PARAMETERS = frozenset({"resolution", "watermark", "audio_setting", "seed"})

_RULES = (
    ModelRules(
        provider="dashscope",
        model=WAN,
        prompt_required=False,
        references=(0, 3),
        parameters=_WAN_PARAMETERS,
        ignored=frozenset(),
        resolution="1080P",
        watermark=False,
        watermark_text="AI-generated",
        frame_rate=30,
        longest=None,
        chinese_weight=1,
        regions=frozenset({"cn-beijing", "ap-southeast-1"}),
        video=_WAN_VIDEO,
        image=_WAN_IMAGE,
    ),
    ModelRules(
        provider="dashscope",
        model=HAPPYHORSE,
        prompt_required=True,
        references=(0, 5),
        parameters=_HORSE_PARAMETERS,
        ignored=frozenset(),
        resolution="1080P",
        watermark=True,
        watermark_text="Happy Horse",
        frame_rate=24,
        longest=15,
        chinese_weight=2,
        regions=frozenset(),
        video=_HORSE_VIDEO,
        image=_HORSE_IMAGE,
    ),
    ModelRules(
        provider="apiyi",
        model=WAN,
        prompt_required=True,
        references=(1, 5),
        parameters=_WAN_PARAMETERS,
        ignored=frozenset(),
        resolution="720P",
        watermark=False,
        watermark_text="AI Generated",
        frame_rate=30,
        longest=None,
        chinese_weight=1,
        regions=frozenset(),
        video=_WAN_VIDEO,
        image=_WAN_IMAGE,
    ),
    ModelRules(
        provider="apiyi",
        model=HAPPYHORSE,
        prompt_required=True,
        references=(1, 5),
        parameters=_HORSE_PARAMETERS | {"prompt_extend", "duration"},
        ignored=frozenset({"duration"}),  # APIYI: "usually not passed", the output follows the input
        resolution="720P",
        watermark=False,
        watermark_text="AI Generated",
        frame_rate=24,
        longest=15,
        chinese_weight=2,
        regions=frozenset(),
        video=_HORSE_VIDEO,
        image=_HORSE_IMAGE,
    ),
)

RULES: dict[tuple[Provider, str], ModelRules] = {(rules.provider, rules.model): rules for rules in _RULES}
"""Every model on offer, by provider and model name."""


@dataclass(frozen=True)
class Price:
    """Money per billed second."""

    currency: Literal["CNY", "USD"]
    per_second: float


_PRICES: dict[tuple[str, str], tuple[Literal["CNY", "USD"], float, float]] = {
    ("mainland", WAN): ("CNY", 0.6, 1.0),
    ("mainland", HAPPYHORSE): ("CNY", 0.9, 1.6),
    ("international", WAN): ("CNY", 0.733924, 1.100886),
    ("international", HAPPYHORSE): ("CNY", 1.049188, 1.798608),
    ("apiyi", WAN): ("USD", 0.084, 0.14),
    ("apiyi", HAPPYHORSE): ("USD", 0.126, 0.224),
}


def price(provider: Provider, region: str, model: str, tier: str) -> Price:
    """Price of one billed second.

    Args:
        provider: Who bills.
        region: DashScope region; Singapore has its own prices, all others pay the mainland's.
        model: Model name.
        tier: Resolution tier of the result.
    """
    book = "apiyi" if provider == "apiyi" else "international" if region == "ap-southeast-1" else "mainland"
    currency, low, high = _PRICES[book, model]
    return Price(currency, low if tier == "720P" else high)
