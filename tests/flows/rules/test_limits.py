"""Every limit of every model, at its edge, just below and just above, with a message a person can act on."""

from dataclasses import replace
from typing import Any

import pytest

from flows.rules.catalog import BEIJING, GATEWAY, SINGAPORE, Catalog
from flows.rules.facts import ImageFacts, VideoFacts
from flows.rules.job import HAPPYHORSE, WAN, EditJob, Provider
from flows.rules.limits import check_job, check_media, prompt_length
from flows.rules.offers import Offer
from flows.rules.problems import Problem

MB = 1024 * 1024
WAN_OFFER = Catalog().offer(Provider.DASHSCOPE, WAN, SINGAPORE)
WAN_BEIJING = Catalog().offer(Provider.DASHSCOPE, WAN, BEIJING)
HAPPYHORSE_OFFER = Catalog().offer(Provider.DASHSCOPE, HAPPYHORSE, SINGAPORE)
APIYI_WAN = Catalog().offer(Provider.APIYI, WAN, GATEWAY)
APIYI_HAPPYHORSE = Catalog().offer(Provider.APIYI, HAPPYHORSE, GATEWAY)
CLIP = VideoFacts(
    container="mp4",
    codec="h264",
    duration_seconds=5,
    width=1280,
    height=720,
    frame_rate=24,
    slowest_rate=24,
    fastest_rate=24,
    has_audio=True,
    size_bytes=5 * MB,
)
PICTURE = ImageFacts(format="png", width=640, height=480, has_alpha=False, size_bytes=MB)


def names(value: Any) -> str:
    return f"{value.provider} {value.model}" if isinstance(value, Offer) else str(value)


def rate(value: float) -> dict[str, float]:
    return {"frame_rate": value, "slowest_rate": value, "fastest_rate": value}


def problems_of(offer: Offer, *, duration: int | None = None, **facts: Any) -> list[Problem]:
    return check_media(offer, replace(CLIP, **facts), [PICTURE], duration=duration)


def problems_of_picture(offer: Offer, **facts: Any) -> list[Problem]:
    return check_media(offer, CLIP, [PICTURE, replace(PICTURE, **facts)], duration=None)


def problems_of_job(offer: Offer, **fields: Any) -> list[Problem]:
    fields = {"prompt": "make it clay", "reference_images": ["hat.png"], **fields}
    return check_job(EditJob.model_validate({"video": "clip.mp4", **fields}), offer)


@pytest.mark.parametrize("offer", list(Catalog()), ids=names)
def test_an_ordinary_job_has_no_problems_anywhere(offer):
    assert problems_of(offer) == []
    assert problems_of_picture(offer) == []
    assert problems_of_job(offer) == []


@pytest.mark.parametrize(
    ("offer", "facts"),
    [
        *((offer, {"container": kind}) for offer in (WAN_OFFER, HAPPYHORSE_OFFER) for kind in ("mp4", "mov")),
        *((WAN_OFFER, {"duration_seconds": seconds}) for seconds in (1.95, 2, 2.01, 9.99, 10, 10.05)),
        *((HAPPYHORSE_OFFER, {"duration_seconds": seconds}) for seconds in (2.95, 3, 3.01, 59.99, 60, 60.05)),
        *((WAN_OFFER, {"width": side, "height": 640}) for side in (240, 241, 4095, 4096)),
        *((WAN_OFFER, {"width": 640, "height": side}) for side in (240, 241, 4095, 4096)),
        *((HAPPYHORSE_OFFER, {"width": 720, "height": side}) for side in (360, 361)),
        *((HAPPYHORSE_OFFER, {"width": 2160, "height": side}) for side in (4095, 4096)),
        (WAN_OFFER, {"width": 1920, "height": 240}),
        (WAN_OFFER, {"width": 300, "height": 2400}),
        (HAPPYHORSE_OFFER, {"width": 1000, "height": 400}),
        (HAPPYHORSE_OFFER, {"width": 400, "height": 1000}),
        *((offer, {"size_bytes": 100 * MB}) for offer in (WAN_OFFER, HAPPYHORSE_OFFER)),
        *((HAPPYHORSE_OFFER, rate(value)) for value in (8, 7.995, 8.01, 59.94, 60, 60.5)),
        *((WAN_OFFER, rate(value)) for value in (1, 7, 61, 240)),
    ],
    ids=names,
)
def test_a_clip_within_and_at_the_limits_is_taken(offer, facts):
    assert problems_of(offer, **facts) == []


@pytest.mark.parametrize(
    ("offer", "facts", "found", "limit"),
    [
        (WAN_OFFER, {"container": "matroska"}, "matroska", "MOV or MP4"),
        (HAPPYHORSE_OFFER, {"container": "3gp"}, "3gp", "MOV or MP4"),
        (WAN_OFFER, {"duration_seconds": 1.94}, "1.94 s", "at least 2 s"),
        (WAN_OFFER, {"duration_seconds": 10.06}, "10.06 s", "up to 10 s"),
        (HAPPYHORSE_OFFER, {"duration_seconds": 2.94}, "2.94 s", "at least 3 s"),
        (HAPPYHORSE_OFFER, {"duration_seconds": 60.06}, "60.06 s", "up to 60 s"),
        (WAN_OFFER, {"width": 239, "height": 480}, "239x480 pixels", "at least 240"),
        (WAN_OFFER, {"width": 480, "height": 239}, "480x239 pixels", "at least 240"),
        (WAN_OFFER, {"width": 4097, "height": 2160}, "4097x2160 pixels", "up to 4096"),
        (HAPPYHORSE_OFFER, {"width": 640, "height": 359}, "640x359 pixels", "at least 360"),
        (HAPPYHORSE_OFFER, {"width": 2160, "height": 4097}, "2160x4097 pixels", "up to 4096"),
        (WAN_OFFER, {"width": 1921, "height": 240}, "1921:240 (8.01:1)", "8:1 at most either way"),
        (WAN_OFFER, {"width": 240, "height": 1930}, "240:1930 (8.05:1)", "8:1 at most either way"),
        (HAPPYHORSE_OFFER, {"width": 1001, "height": 400}, "1001:400 (2.51:1)", "2.5:1 at most either way"),
        (HAPPYHORSE_OFFER, {"width": 400, "height": 1020}, "400:1020 (2.55:1)", "2.5:1 at most either way"),
        (WAN_OFFER, {"size_bytes": 100 * MB + 1}, "100.01 MB", "up to 100 MB"),
        (HAPPYHORSE_OFFER, {"size_bytes": 101 * MB}, "101 MB", "up to 100 MB"),
        (HAPPYHORSE_OFFER, rate(7.98), "7.98 frames per second", "needs 8 throughout"),
        (HAPPYHORSE_OFFER, {"slowest_rate": 6}, "6 frames per second somewhere", "needs 8 throughout"),
        (HAPPYHORSE_OFFER, rate(60.7), "60.7 frames per second", "up to 60"),
        (HAPPYHORSE_OFFER, {"fastest_rate": 120}, "120 frames per second somewhere", "up to 60"),
    ],
    ids=names,
)
def test_a_clip_beyond_one_limit_is_refused_with_what_was_found_and_what_is_allowed(offer, facts, found, limit):
    (problem,) = problems_of(offer, **facts)
    assert problem.field == "video"
    assert found in problem.message
    assert limit in problem.message
    assert offer.model in problem.message
    assert problem.advice


@pytest.mark.parametrize(
    ("offer", "facts"),
    [
        *((WAN_OFFER, {"format": kind}) for kind in ("jpeg", "png", "bmp", "webp")),
        *((HAPPYHORSE_OFFER, {"format": kind}) for kind in ("jpeg", "png", "webp")),
        (HAPPYHORSE_OFFER, {"has_alpha": True}),
        (WAN_OFFER, {"width": 240, "height": 240}),
        (WAN_OFFER, {"width": 8000, "height": 1000}),
        (WAN_OFFER, {"width": 1000, "height": 8000}),
        (HAPPYHORSE_OFFER, {"width": 300, "height": 300}),
        (HAPPYHORSE_OFFER, {"width": 300, "height": 750}),
        (HAPPYHORSE_OFFER, {"width": 20_000, "height": 10_000}),
        *((offer, {"size_bytes": 20 * MB}) for offer in (WAN_OFFER, HAPPYHORSE_OFFER)),
    ],
    ids=names,
)
def test_an_image_within_and_at_the_limits_is_taken(offer, facts):
    assert problems_of_picture(offer, **facts) == []


@pytest.mark.parametrize(
    ("offer", "facts", "found", "limit"),
    [
        (WAN_OFFER, {"format": "gif"}, "is gif", "bmp, jpeg, png, webp"),
        (HAPPYHORSE_OFFER, {"format": "bmp"}, "is bmp", "jpeg, png, webp"),
        (WAN_OFFER, {"has_alpha": True}, "alpha channel", "takes none"),
        (APIYI_WAN, {"has_alpha": True}, "alpha channel", "takes none"),
        (WAN_OFFER, {"width": 239}, "239x480 pixels", "at least 240"),
        (WAN_OFFER, {"height": 8001, "width": 2000}, "2000x8001 pixels", "up to 8000"),
        (WAN_OFFER, {"width": 1930, "height": 240}, "1930:240 (8.05:1)", "8:1"),
        (HAPPYHORSE_OFFER, {"height": 299}, "640x299 pixels", "at least 300"),
        (HAPPYHORSE_OFFER, {"width": 760, "height": 300}, "760:300 (2.54:1)", "2.5:1"),
        (WAN_OFFER, {"size_bytes": 20 * MB + 1}, "20.01 MB", "20 MB"),
    ],
    ids=names,
)
def test_an_image_beyond_one_limit_is_refused_by_its_place_in_the_list(offer, facts, found, limit):
    (problem,) = problems_of_picture(offer, **facts)
    assert problem.field == "reference_images[2]"
    assert found in problem.message
    assert limit in problem.message
    assert problem.advice


@pytest.mark.parametrize(
    ("seconds", "cut", "fields"),
    [
        (5, None, []),
        (5, 0, []),
        (5, 5, []),
        (4.98, 5, []),
        (4.94, 5, ["duration"]),
        (5, 6, ["duration"]),
        (5, 2, []),
    ],
)
def test_a_clip_can_only_be_cut_to_less_than_it_has(seconds, cut, fields):
    assert [p.field for p in problems_of(WAN_OFFER, duration_seconds=seconds, duration=cut)] == fields


def test_all_problems_of_all_media_are_told_at_once():
    clip = replace(CLIP, container="avi", duration_seconds=70, width=200, height=1700, size_bytes=200 * MB, **rate(5))
    picture = replace(PICTURE, format="gif", has_alpha=True, width=100, height=900, size_bytes=30 * MB)
    found = check_media(HAPPYHORSE_OFFER, clip, [picture, PICTURE, None, picture], duration=80)
    assert [p.field for p in found] == [
        *["video"] * 6,
        "duration",
        *["reference_images[1]"] * 4,
        *["reference_images[4]"] * 4,
    ]


def test_what_was_not_opened_is_not_judged():
    assert check_media(WAN_OFFER, None, [None], duration=9) == []


@pytest.mark.parametrize(
    ("offer", "fields"),
    [
        (WAN_OFFER, {"prompt": ""}),
        (WAN_OFFER, {"prompt": "x" * 5000}),
        (WAN_OFFER, {"prompt": "衣" * 5000}),
        (HAPPYHORSE_OFFER, {"prompt": "x" * 5000}),
        (HAPPYHORSE_OFFER, {"prompt": "衣" * 2500}),
        (HAPPYHORSE_OFFER, {"prompt": "ひらがな" * 1250}),
        (WAN_OFFER, {"negative_prompt": "x" * 500}),
        (WAN_OFFER, {"reference_images": []}),
        (WAN_OFFER, {"reference_images": ["a"] * 3}),
        (WAN_BEIJING, {"reference_images": ["a"] * 4}),
        (HAPPYHORSE_OFFER, {"reference_images": ["a"] * 5}),
        (HAPPYHORSE_OFFER, {"reference_images": []}),
        *((offer, {"reference_images": ["a"] * n}) for offer in (APIYI_WAN, APIYI_HAPPYHORSE) for n in (1, 5)),
        *((WAN_OFFER, {"duration": value}) for value in (0, 2, 10)),
        *((WAN_OFFER, {"seed": value}) for value in (0, 2**31 - 1)),
        (WAN_OFFER, {"ratio": "3:4", "prompt_extend": False, "audio_setting": "origin", "watermark": True}),
        (APIYI_HAPPYHORSE, {"prompt_extend": False, "audio_setting": "origin"}),
    ],
    ids=lambda value: names(value)[:40],
)
def test_words_and_numbers_within_and_at_the_limits_are_taken(offer, fields):
    assert problems_of_job(offer, **fields) == []


@pytest.mark.parametrize(
    ("offer", "fields", "field", "message", "advice"),
    [
        (HAPPYHORSE_OFFER, {"prompt": " "}, "prompt", "is empty", "say what to change"),
        (APIYI_WAN, {"prompt": ""}, "prompt", "is empty", "say what to change"),
        (WAN_OFFER, {"prompt": "x" * 5001}, "prompt", "5,001 characters, the limit is 5,000", "shorten"),
        (HAPPYHORSE_OFFER, {"prompt": "衣" * 2501}, "prompt", "5,002 characters, the limit is 5,000 (a Ch", "shorten"),
        (HAPPYHORSE_OFFER, {"prompt": "衣" * 2500 + "x"}, "prompt", "5,001 characters", "shorten"),
        (WAN_OFFER, {"negative_prompt": "x" * 501}, "negative_prompt", "501 characters, the limit is 500", "shorten"),
        (HAPPYHORSE_OFFER, {"negative_prompt": "x"}, "negative_prompt", "takes none", "leave it out"),
        (WAN_OFFER, {"reference_images": ["a"] * 4}, "reference_images", "ap-southeast-1 takes up to 3", "keep the 3"),
        (WAN_BEIJING, {"reference_images": ["a"] * 5}, "reference_images", "in cn-beijing takes up to 4", "keep the 4"),
        (HAPPYHORSE_OFFER, {"reference_images": ["a"] * 6}, "reference_images", "takes up to 5", "keep the 5"),
        (APIYI_WAN, {"reference_images": ["a"] * 6}, "reference_images", "on apiyi takes up to 5", "keep the 5"),
        (APIYI_WAN, {"reference_images": []}, "reference_images", "on apiyi needs at least 1", "add a reference"),
        (APIYI_HAPPYHORSE, {"reference_images": []}, "reference_images", "needs at least 1", "add a reference"),
        (WAN_OFFER, {"duration": 1}, "duration", "is 1", "0 or a whole number from 2 to 10"),
        (WAN_OFFER, {"duration": 11}, "duration", "is 11", "0 or a whole number from 2 to 10"),
        (WAN_OFFER, {"duration": -1}, "duration", "is -1", "0 or a whole number from 2 to 10"),
        (WAN_OFFER, {"seed": -1}, "seed", "is -1", "a whole number from 0 to 2147483647"),
        (WAN_OFFER, {"seed": 2**31}, "seed", "is 2147483648", "a whole number from 0 to 2147483647"),
        (HAPPYHORSE_OFFER, {"ratio": "16:9"}, "ratio", "on dashscope has no such parameter", "it takes resolution"),
        (HAPPYHORSE_OFFER, {"duration": 5}, "duration", "no such parameter", "leave it out"),
        (HAPPYHORSE_OFFER, {"prompt_extend": True}, "prompt_extend", "no such parameter", "leave it out"),
        (APIYI_HAPPYHORSE, {"duration": 0}, "duration", "on apiyi has no such parameter", "leave it out"),
    ],
    ids=lambda value: names(value)[:40],
)  # fmt: skip
def test_words_and_numbers_beyond_a_limit_are_refused_with_what_is_allowed(offer, fields, field, message, advice):
    (problem,) = problems_of_job(offer, **fields)
    assert problem.field == field
    assert message in problem.message
    assert advice in problem.advice


def test_all_problems_of_the_words_are_told_at_once():
    found = problems_of_job(
        HAPPYHORSE_OFFER, prompt="", negative_prompt="x", duration=5, ratio="1:1", seed=-1, reference_images=["a"] * 6
    )
    fields = ["prompt", "negative_prompt", "ratio", "duration", "seed", "reference_images"]
    assert [problem.field for problem in found] == fields


@pytest.mark.parametrize(
    ("text", "wan", "happyhorse"),
    [("", 0, 0), ("abc", 3, 3), ("外套", 2, 4), ("a 外", 3, 4), ("かな한글😀", 5, 5), ("⼀", 1, 1)],
)
def test_only_chinese_characters_count_twice_and_only_for_happyhorse(text, wan, happyhorse):
    assert prompt_length(text, WAN_OFFER.prompt) == wan
    assert prompt_length(text, HAPPYHORSE_OFFER.prompt) == happyhorse


def test_a_problem_reads_as_field_finding_and_remedy():
    (problem,) = problems_of(WAN_OFFER, duration_seconds=12)
    assert str(problem) == f"video: lasts 12 s, {WAN} takes up to 10 s; cut it, or split it into several jobs"
