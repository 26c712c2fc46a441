"""Reading a create's body by the published rules of one model on one provider."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.emulator.catalog import RATIOS, ModelRules
from deployments.emulator.errors import BodyTexts, RefusedError

PROMPT_CHARACTERS = 5000
"""Longer prompts are cut silently (both models)."""

_PARAMETER_TYPES: dict[str, tuple[type, str]] = {
    "resolution": (str, "string"),
    "ratio": (str, "string"),
    "duration": (int, "int"),
    "audio_setting": (str, "string"),
    "prompt_extend": (bool, "bool"),
    "watermark": (bool, "bool"),
    "seed": (int, "int"),
}
_CHOICES = {
    "resolution": ("720P", "1080P"),
    "ratio": ("16:9", "9:16", "1:1", "4:3", "3:4"),
    "audio_setting": ("auto", "origin"),
}
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Customer:
    """Who fetches, and for what: uploads are bound to the account and the model.

    Attributes:
        account: Alias of the account.
        model: The model called.
    """

    account: str
    model: str


@dataclass(frozen=True)
class EditRequest:
    """A create that conforms, with every default made explicit.

    Attributes:
        prompt: The instruction, cut to the published length; may be empty.
        duration: Seconds to cut the clip to, or None to keep its length.
    """

    prompt: str
    negative_prompt: str
    video: str
    references: tuple[str, ...]
    resolution: str
    ratio: str | None
    duration: int | None
    audio_setting: str
    prompt_extend: bool
    watermark: bool
    seed: int | None


def read_request(
    body: Mapping[str, Any], rules: ModelRules, texts: BodyTexts, most_references: int | None
) -> EditRequest:
    """Check a create's body and fill in the defaults.

    Args:
        body: The parsed JSON object.
        rules: The model's rules at this provider.
        texts: How refusals are worded.
        most_references: Greatest number of reference images, when it differs from the published one.

    Raises:
        RefusedError: With what the provider says about the first thing that is wrong.
    """
    parameters = _parameters(body, rules, texts)
    given = _object(body, "input", texts)
    if given is None:
        raise RefusedError(texts.missing("input.media"))
    prompt = _text(given, "prompt", texts)
    if rules.prompt_required and not prompt.strip():
        raise RefusedError(texts.missing("input.prompt"))
    video, references = _media(given, rules, texts, most_references)
    return EditRequest(
        prompt=cut_prompt(prompt, rules.chinese_weight),
        negative_prompt=_text(given, "negative_prompt", texts)[:500],
        video=video,
        references=references,
        resolution=parameters.get("resolution", rules.resolution),
        ratio=parameters.get("ratio"),
        duration=None if "duration" in rules.ignored else parameters.get("duration") or None,
        audio_setting=parameters.get("audio_setting", "auto"),
        prompt_extend=parameters.get("prompt_extend", True),
        watermark=parameters.get("watermark", rules.watermark),
        seed=parameters.get("seed"),
    )


def cut_prompt(prompt: str, chinese_weight: int) -> str:
    """The part of a prompt that the provider reads: at most 5,000 weighted characters."""
    left = PROMPT_CHARACTERS
    for place, character in enumerate(prompt):
        left -= chinese_weight if _CHINESE.match(character) else 1
        if left < 0:
            return prompt[:place]
    return prompt


def output_size(request: EditRequest, clip_size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the result in pixels, both even.

    With a ratio they come from the published table; without one the clip's own aspect is kept at the
    tier's pixel area.
    """
    if request.ratio is not None:
        return RATIOS[request.resolution, request.ratio]
    wide, high = RATIOS[request.resolution, "16:9"]
    scale = (wide * high / (clip_size[0] * clip_size[1])) ** 0.5
    return 2 * round(clip_size[0] * scale / 2), 2 * round(clip_size[1] * scale / 2)


def _object(body: Mapping[str, Any], name: str, texts: BodyTexts) -> Mapping[str, Any] | None:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise RefusedError(texts.wrong_type(name, "object", _go_name(value)))
    return value


def _text(given: Mapping[str, Any], name: str, texts: BodyTexts) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise RefusedError(texts.wrong_type(f"input.{name}", "string", _go_name(value)))
    return value or ""


def _media(
    given: Mapping[str, Any], rules: ModelRules, texts: BodyTexts, most: int | None
) -> tuple[str, tuple[str, ...]]:
    media = given.get("media")
    if media is None:
        raise RefusedError(texts.missing("input.media"))
    if not isinstance(media, list):
        raise RefusedError(texts.wrong_type("input.media", "[]MediaItem", _go_name(media)))
    found: dict[str, list[str]] = {"video": [], "reference_image": []}
    for place, item in enumerate(media):
        field = f"input.media[{place}]"
        if not isinstance(item, dict):
            raise RefusedError(texts.wrong_type(field, "MediaItem", _go_name(item)))
        for name in ("type", "url"):
            if item.get(name) in (None, ""):
                raise RefusedError(texts.missing(f"{field}.{name}"))
            if not isinstance(item[name], str):
                raise RefusedError(texts.wrong_type(f"{field}.{name}", "string", _go_name(item[name])))
        if item["type"] not in found:
            raise RefusedError(texts.invalid(f"{field}.type", "must be one of video, reference_image"))
        _check_url(item["url"], item["type"] == "reference_image", rules, texts)
        found[item["type"]].append(item["url"])
    least, published = rules.references
    most = published if most is None else most
    if not found["video"]:
        raise RefusedError(texts.missing("input.media.video"))
    if len(found["video"]) > 1:
        raise RefusedError(texts.invalid("input.media", "accepts exactly one video item"))
    if len(found["reference_image"]) < least:
        raise RefusedError(texts.missing("input.media.reference_image"))
    if len(found["reference_image"]) > most:
        raise RefusedError(texts.too_many_images(most))
    return found["video"][0], tuple(found["reference_image"])


def _check_url(url: str, image: bool, rules: ModelRules, texts: BodyTexts) -> None:
    """Media are http(s) addresses; images may be data URIs; DashScope also takes its own oss:// ones."""
    allowed = ["http://", "https://"]
    if image:
        allowed.append("data:image/")
    if rules.provider == "dashscope":
        allowed.append("oss://")
    if not url.startswith(tuple(allowed)):
        raise RefusedError(texts.bad_url)


def _parameters(body: Mapping[str, Any], rules: ModelRules, texts: BodyTexts) -> dict[str, Any]:
    given = {name: value for name, value in (_object(body, "parameters", texts) or {}).items() if value is not None}
    for name, value in given.items():
        field = f"parameters.{name}"
        if name not in rules.parameters:
            raise RefusedError(texts.invalid(field, f"is not a parameter of {rules.model}"))
        kind, go_name = _PARAMETER_TYPES[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise RefusedError(texts.wrong_type(field, go_name, _go_name(value)))
        if name in _CHOICES and value not in _CHOICES[name]:
            raise RefusedError(texts.invalid(field, f"must be one of {', '.join(_CHOICES[name])}"))
    duration, seed = given.get("duration"), given.get("seed")
    if duration is not None and duration != 0 and not 2 <= duration <= 10:
        raise RefusedError(texts.invalid("parameters.duration", "must be 0 or within 2 ~ 10"))
    if seed is not None and not 0 <= seed <= 2147483647:
        raise RefusedError(texts.invalid("parameters.seed", "must be within 0 ~ 2147483647"))
    return given


def _go_name(value: object) -> str:
    """What Go's JSON library calls the type of a value it met."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
