"""The shape of a catalogue entry: what one provider offers for one model in one region."""

import math
from collections.abc import Mapping
from decimal import Decimal
from statistics import NormalDist
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.rules.job import Provider


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Entry):
    """Where a number was read, and when that page was current."""

    page: str
    date: str


class VideoLimits(_Entry):
    """What the provider accepts as a clip. Sides in pixels, sizes in bytes, times in seconds."""

    containers: frozenset[str] = frozenset({"mp4", "mov"})
    min_seconds: float
    max_seconds: float
    min_side: int = Field(description="Shortest side allowed, pixels.")
    max_side: int = Field(description="Longest side allowed, pixels.")
    max_aspect: float = Field(description="Longer side over shorter side.")
    max_bytes: int
    min_frame_rate: float | None = None
    max_frame_rate: float | None = None
    source: Source


class ImageLimits(_Entry):
    """What the provider accepts as reference images. Sides in pixels, size in bytes."""

    formats: frozenset[str]
    alpha_allowed: bool
    min_count: int
    max_count: int
    min_side: int
    max_side: int | None = None
    max_aspect: float
    max_bytes: int
    source: Source


class PromptLimits(_Entry):
    """How much may be said. Longer text is cut silently by the providers, so recut refuses it."""

    required: bool
    max_characters: int
    chinese_weight: int = Field(default=1, description="How many characters one Chinese character counts for.")
    negative_max_characters: int | None = Field(default=None, description="None: no negative prompt.")
    source: Source


class Parameter(_Entry):
    """One request parameter: its values, and the default that is sent when nobody chose."""

    kind: Literal["choice", "flag", "integer"]
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    also: tuple[int, ...] = Field(default=(), description="Values outside the range that have a meaning.")
    default: str | bool | int | None = Field(default=None, description="None: sent only when asked for.")


class Parameters(_Entry):
    """The parameters a model takes here; any other is refused."""

    by_name: Mapping[str, Parameter]
    source: Source


class Price(_Entry):
    """Price per billed second and resolution tier, in ``currency``."""

    per_second: Mapping[str, Decimal]
    currency: str
    source: Source


class Quotas(_Entry):
    """Limits of one account and model. Rates per second, waits in seconds."""

    submits_per_second: float
    running: int
    queued: int
    queries_per_second: float
    min_poll_seconds: float
    source: Source


class RunTimes(_Entry):
    """What is known of run times before this account has its own: seconds, median and 95th percentile."""

    median_seconds: float
    p95_seconds: float
    source: Source

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm: run times are taken to be lognormal."""
        return math.log(self.p95_seconds / self.median_seconds) / NormalDist().inv_cdf(0.95)


class Output(_Entry):
    """What comes out: frames per second, and the longest result in seconds."""

    frame_rate: int
    max_seconds: float | None = None
    source: Source


class Offer(_Entry):
    """Everything the rules know about one model at one provider in one region."""

    provider: Provider
    model: str
    region: str
    video: VideoLimits
    images: ImageLimits
    prompt: PromptLimits
    parameters: Parameters
    price: Price | None
    quotas: Quotas
    run_times: RunTimes
    output: Output
    temporary_store: bool = Field(description="Whether local files reach the provider through its own store.")

    def explicit(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the request parameters: what was asked for, and every documented default."""
        defaults = {
            name: parameter.default
            for name, parameter in self.parameters.by_name.items()
            if parameter.default is not None
        }
        return dict(sorted({**defaults, **asked}.items()))
