"""Holds a job and its opened media against an offer: every problem at once, each with found, limit, remedy."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from flows.rules.facts import ImageFacts, VideoFacts
from flows.rules.job import EditJob
from flows.rules.offers import ImageLimits, Offer, Parameter, PromptLimits, VideoLimits
from flows.rules.problems import Problem

#: Containers round durations to their own ticks: a clip of exactly the limit may read a few milliseconds off.
_ROUNDING_SECONDS = 0.05


def check_job(job: EditJob, offer: Offer) -> list[Problem]:
    """Returns what is wrong with the words and numbers of a job, before any medium is opened."""
    return [
        *_prompt(job.prompt, offer.prompt),
        *_negative_prompt(job.negative_prompt, offer),
        *_parameters(job.asked_parameters(), offer),
        *_image_count(len(job.reference_images), offer),
    ]


def check_media(
    offer: Offer, video: VideoFacts | None, images: Sequence[ImageFacts | None], *, duration: int | None
) -> list[Problem]:
    """Returns what is wrong with the opened media; a medium given as None was not opened.

    Args:
        offer: What the provider accepts.
        video: The clip as probed.
        images: The reference images as probed, in order.
        duration: The cut the job asks for in seconds, None or 0 for none.
    """
    problems = list(_video(video, offer.video, offer.model)) if video else []
    if video and duration and duration > video.duration_seconds + _ROUNDING_SECONDS:
        problems.append(
            Problem(
                field="duration",
                message=f"{duration} s is longer than the clip's {_number(video.duration_seconds)} s",
                advice="leave duration out to keep the whole clip, or ask for less",
            )
        )
    for index, image in enumerate(images):
        if image:
            problems += _image(image, offer.images, f"reference_images[{index + 1}]")
    return problems


def prompt_length(text: str, limits: PromptLimits) -> int:
    """Returns how many characters the provider counts in a prompt."""
    return sum(limits.chinese_weight if _is_chinese(char) else 1 for char in text)


def _is_chinese(char: str) -> bool:
    return unicodedata.name(char, "").startswith("CJK ")


def _prompt(text: str, limits: PromptLimits) -> Iterator[Problem]:
    if limits.required and not text:
        yield Problem(field="prompt", message="is empty", advice="say what to change in the clip")
    length = prompt_length(text, limits)
    if length > limits.max_characters:
        weighed = " (a Chinese character counts as 2)" if limits.chinese_weight > 1 else ""
        yield Problem(
            field="prompt",
            message=f"has {length:,} characters, the limit is {limits.max_characters:,}{weighed}",
            advice="shorten it: the provider would cut the end off silently and bill the result",
        )


def _negative_prompt(text: str | None, offer: Offer) -> Iterator[Problem]:
    if text is None:
        return
    limit = offer.prompt.negative_max_characters
    if limit is None:
        yield Problem(
            field="negative_prompt",
            message=f"{offer.model} takes none",
            advice="leave it out, and say in the prompt what to avoid",
        )
    elif len(text) > limit:
        yield Problem(
            field="negative_prompt",
            message=f"has {len(text):,} characters, the limit is {limit:,}",
            advice="shorten it: the provider would cut the end off silently",
        )


def _parameters(asked: dict[str, Any], offer: Offer) -> Iterator[Problem]:
    for name, value in asked.items():
        parameter = offer.parameters.by_name.get(name)
        if parameter is None:
            yield Problem(
                field=name,
                message=f"{offer.model} on {offer.provider} has no such parameter",
                advice=f"leave it out; it takes {', '.join(offer.parameters.by_name)}",
            )
        elif not _allowed(value, parameter):
            yield Problem(field=name, message=f"is {value!r}", advice=f"use {_choices(parameter)}")


def _allowed(value: object, parameter: Parameter) -> bool:
    if parameter.kind == "choice":
        return value in parameter.choices
    if parameter.kind == "flag":
        return isinstance(value, bool)
    assert isinstance(value, int)
    low, high = parameter.minimum, parameter.maximum
    return value in parameter.also or ((low is None or value >= low) and (high is None or value <= high))


def _choices(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return " or ".join(parameter.choices)
    if parameter.kind == "flag":
        return "true or false"
    others = "".join(f"{value} or " for value in parameter.also)
    return f"{others}a whole number from {parameter.minimum} to {parameter.maximum}"


def _image_count(count: int, offer: Offer) -> Iterator[Problem]:
    limits = offer.images
    where = f"{offer.model} on {offer.provider}" + (f" in {offer.region}" if offer.temporary_store else "")
    if count < limits.min_count:
        yield Problem(
            field="reference_images",
            message=f"none given, {where} needs at least {limits.min_count}",
            advice="add a reference image, or choose a provider that needs none",
        )
    if count > limits.max_count:
        yield Problem(
            field="reference_images",
            message=f"{count} images, {where} takes up to {limits.max_count}",
            advice=f"keep the {limits.max_count} that matter most",
        )


def _video(video: VideoFacts, limits: VideoLimits, model: str) -> Iterator[Problem]:
    def problem(message: str, advice: str) -> Problem:
        return Problem(field="video", message=message, advice=advice)

    if video.container not in limits.containers:
        allowed = " or ".join(sorted(name.upper() for name in limits.containers))
        yield problem(f"is {video.container}, {model} takes {allowed}", f"convert it to {allowed}")
    if video.duration_seconds < limits.min_seconds - _ROUNDING_SECONDS:
        yield problem(
            f"lasts {_number(video.duration_seconds)} s, {model} needs at least {_number(limits.min_seconds)} s",
            "use a longer clip",
        )
    if video.duration_seconds > limits.max_seconds + _ROUNDING_SECONDS:
        yield problem(
            f"lasts {_number(video.duration_seconds)} s, {model} takes up to {_number(limits.max_seconds)} s",
            "cut it, or split it into several jobs",
        )
    short, long = sorted((video.width, video.height))
    size = f"is {video.width}x{video.height} pixels"
    if short < limits.min_side:
        yield problem(f"{size}, {model} needs sides of at least {limits.min_side}", "use a larger version")
    if long > limits.max_side:
        yield problem(f"{size}, {model} takes sides of up to {limits.max_side}", "scale it down")
    yield from _aspect(video.width, video.height, limits.max_aspect, "video", model)
    if video.size_bytes > limits.max_bytes:
        yield problem(
            f"has {_megabytes(video.size_bytes)}, {model} takes up to {_megabytes(limits.max_bytes)}",
            "encode it smaller",
        )
    if limits.min_frame_rate and video.slowest_rate < limits.min_frame_rate - 0.01:
        yield problem(
            f"runs at {_number(video.slowest_rate)} frames per second somewhere, "
            f"{model} needs {_number(limits.min_frame_rate)} throughout",
            "re-encode it at a constant 24 frames per second",
        )
    if limits.max_frame_rate and video.fastest_rate > limits.max_frame_rate * 1.01:
        yield problem(
            f"runs at {_number(video.fastest_rate)} frames per second somewhere, "
            f"{model} takes up to {_number(limits.max_frame_rate)}",
            "re-encode it at a constant 24 or 30 frames per second",
        )


def _image(image: ImageFacts, limits: ImageLimits, field: str) -> Iterator[Problem]:
    def problem(message: str, advice: str) -> Problem:
        return Problem(field=field, message=message, advice=advice)

    if image.format not in limits.formats:
        allowed = ", ".join(sorted(limits.formats))
        yield problem(f"is {image.format}, allowed are {allowed}", "convert it to JPEG or PNG")
    if image.has_alpha and not limits.alpha_allowed:
        yield problem("has an alpha channel, the model takes none", "flatten it onto a background, or use JPEG")
    short, long = sorted((image.width, image.height))
    size = f"is {image.width}x{image.height} pixels"
    if short < limits.min_side:
        yield problem(f"{size}, sides must be at least {limits.min_side}", "use a larger version")
    if limits.max_side and long > limits.max_side:
        yield problem(f"{size}, sides may be up to {limits.max_side}", "scale it down")
    yield from _aspect(image.width, image.height, limits.max_aspect, field, "the model")
    if image.size_bytes > limits.max_bytes:
        yield problem(
            f"has {_megabytes(image.size_bytes)}, the limit is {_megabytes(limits.max_bytes)}",
            "save it smaller",
        )


def _aspect(width: int, height: int, limit: float, field: str, model: str) -> Iterator[Problem]:
    short, long = sorted((width, height))
    if short and long > limit * short:
        yield Problem(
            field=field,
            message=f"has an aspect ratio of {width}:{height} ({_number(_rounded_up(long / short))}:1), "
            f"{model} takes {_number(limit)}:1 at most either way",
            advice="crop or pad it",
        )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _rounded_up(value: float) -> float:
    """Rounds to hundredths so that what lies just above a limit does not read like the limit."""
    return math.ceil(value * 100) / 100


def _megabytes(size: int) -> str:
    return f"{_number(_rounded_up(size / 1_048_576))} MB"
