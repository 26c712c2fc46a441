"""What a person wants edited: the job, its explicit parameters, and the key that makes it one job."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Provider(StrEnum):
    """Who runs the model and bills it."""

    DASHSCOPE = "dashscope"
    APIYI = "apiyi"


WAN = "wan2.7-videoedit"
HAPPYHORSE = "happyhorse-1.0-video-edit"

#: The model of each provider's founding page, used when a job names none.
DEFAULT_MODELS: Mapping[Provider, str] = {Provider.DASHSCOPE: WAN, Provider.APIYI: HAPPYHORSE}

#: Fields of a job that travel in the request's ``parameters`` object.
PARAMETERS = ("resolution", "ratio", "duration", "audio_setting", "prompt_extend", "watermark", "seed")


class EditJob(BaseModel):
    """One edit wanted: says *what*, never *where* its result goes or *who pays*.

    Fields left out take the provider's documented default, which recut always sends explicitly
    (``watermark`` is off unless asked for). Limits differ per provider, model and region and are
    checked against the catalogue, not here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    video: str = Field(
        title="Clip",
        description="The clip to edit: a path, an http(s) URL or any fsspec URL (s3://…, gs://…).",
        min_length=1,
    )
    prompt: str = Field(default="", title="Prompt", description="What to change, in plain words, in any language.")
    negative_prompt: str | None = Field(
        default=None, title="Negative prompt", description="What must not appear (Wan only)."
    )
    reference_images: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        title="Reference images",
        description="Pictures the edit takes things from, by path or URL, in the order the prompt names them.",
    )
    model: str | None = Field(
        default=None, title="Model", description=f"{WAN} or {HAPPYHORSE}; default: the provider's own."
    )
    provider: Provider | None = Field(
        default=None, title="Provider", description="Who runs this job; default: the run's provider."
    )
    resolution: Literal["720P", "1080P"] | None = Field(
        default=None, title="Resolution", description="Tier of the result; it decides the price per second."
    )
    ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = Field(
        default=None, title="Ratio", description="Aspect ratio of the result (Wan only); default: the clip's."
    )
    duration: int | None = Field(
        default=None,
        title="Duration",
        description="Cut the clip to this many seconds (Wan only); 0 keeps it.",
    )
    audio_setting: Literal["auto", "origin"] | None = Field(
        default=None, title="Sound", description="auto: the model decides; origin: keep the clip's sound."
    )
    prompt_extend: bool | None = Field(
        default=None, title="Extend prompt", description="Let the provider rewrite the prompt before use."
    )
    watermark: bool | None = Field(
        default=None,
        title="Watermark",
        description="Ask for the provider's mark, bottom right; default: off.",
    )
    seed: int | None = Field(
        default=None, title="Seed", description="0 to 2147483647: makes results more alike, not identical."
    )
    take: int = Field(
        default=1,
        title="Take",
        description="Raise it to ask, and pay, for another result of the same edit.",
        ge=1,
    )
    name: str | None = Field(
        default=None,
        title="Name",
        description="File name of the result without ending; may hold folders. Default: from clip and job key.",
    )

    @field_validator("reference_images", mode="before")
    @classmethod
    def _one_image_may_stand_alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("resolution", "ratio", "audio_setting", mode="before")
    @classmethod
    def _letter_case_does_not_matter(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        return text.upper() if text[:1].isdigit() else text.lower()

    @field_validator("negative_prompt")
    @classmethod
    def _an_empty_negative_prompt_is_none(cls, value: str | None) -> str | None:
        return value or None

    @field_validator("video", "reference_images")
    @classmethod
    def _an_address_can_be_taken_apart(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            if any(ord(char) < 32 for char in address):
                raise ValueError("must not hold control characters")
            if "://" in address:
                _ = urlsplit(address).port  # parses the host, and raises where it is none
        return value

    @field_validator("name")
    @classmethod
    def _a_name_stays_inside_the_results(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = value.split("/")
        if any(part in ("", ".", "..") or part.startswith(".") for part in parts):
            raise ValueError("must be a plain relative name: no empty part, none starting with a dot")
        if any(len(part.encode()) > 200 for part in parts):
            raise ValueError("must not have a part longer than 200 bytes: file systems stop at 255")
        if any(ord(char) < 32 or char in '\\:*?"<>|' for char in value):
            raise ValueError('must not hold control characters or any of \\ : * ? " < > |')
        return value

    @property
    def clip_stem(self) -> str:
        """The clip's own name, without folders, ending and query."""
        path = urlsplit(self.video).path if "://" in self.video else self.video
        return PurePosixPath(unquote(path)).stem or "clip"

    def asked_parameters(self) -> dict[str, Any]:
        """Returns the parameters this job sets itself, leaving defaults to the catalogue."""
        return {name: value for name in PARAMETERS if (value := getattr(self, name)) is not None}


def job_key(
    *,
    model: str,
    prompt: str,
    negative_prompt: str | None,
    video: str,
    reference_images: Sequence[str],
    parameters: Mapping[str, Any],
    take: int,
) -> str:
    """Returns the key of a job: 32 hex digits, equal exactly when the same edit is wanted.

    Args:
        model: Model the job runs on.
        prompt: Prompt as it will be sent.
        negative_prompt: Negative prompt as it will be sent.
        video: Content identity of the clip, not its address.
        reference_images: Content identities of the images, in order.
        parameters: Request parameters with every default explicit.
        take: The person's way to ask for another result.
    """
    said = {
        "job": 1,
        "model": model,
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "video": video,
        "reference_images": list(reference_images),
        "parameters": dict(parameters),
        "take": take,
    }
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
