"""Verifying downloaded results: what is fatal, and what is only not as asked."""

import random
import re
from pathlib import Path

import pytest

from flows.media import Expected, verify_result
from tests.clips import cut_off, make_clip, make_image

SAMPLES = Path(__file__).parents[3] / "deployments" / "samples"
ANYTHING = Expected()


def test_a_result_as_asked_has_no_problems_and_no_notes():
    expected = Expected(duration_seconds=5.3, resolution="720P", ratio="16:9", audio=True)
    verification = verify_result(SAMPLES / "bigbuckbunny.mp4", expected)
    assert verification.facts is not None
    assert verification.facts.duration_seconds == 5.28
    assert (verification.problems, verification.notes) == ([], [])


@pytest.mark.parametrize("faststart", [True, False])
def test_a_cut_result_is_not_a_video(tmp_path, faststart):
    verification = verify_result(cut_off(make_clip(tmp_path / "a.mp4", faststart=faststart)), ANYTHING)
    assert verification.facts is None
    assert verification.problems[0].startswith("the file ends early")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "it is an XML document"),
        (b"<html>502 Bad Gateway</html>", "it is a web page"),
    ],
)
def test_what_was_sent_in_place_of_a_video_is_named(tmp_path, content, said):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert verify_result(path, ANYTHING).problems[0].startswith(said)


def test_a_picture_is_not_a_result(tmp_path):
    assert verify_result(make_image(tmp_path / "a.png"), ANYTHING).problems == ["it is a picture (PNG), not a video"]


def test_another_container_is_not_a_result(tmp_path):
    assert verify_result(make_clip(tmp_path / "a.mkv"), ANYTHING).problems == [
        "it is a video in matroska format, not an MP4"
    ]


@pytest.mark.parametrize("place", ["first", "last"])
def test_damaged_pictures_are_found_at_either_end(tmp_path, place):
    path = make_clip(tmp_path / "a.mp4", faststart=True, audio=False)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4 + 1_000 if place == "first" else len(data) - 20_000
    data[begin : begin + 15_000] = bytes(15_000)
    path.write_bytes(data)
    problems = verify_result(path, ANYTHING).problems
    assert problems
    assert all(place in problem or "decoded" in problem for problem in problems)


def test_a_few_wrong_bytes_in_the_last_picture_are_found(tmp_path):
    path = make_clip(tmp_path / "a.mp4", faststart=True, audio=False)
    data = bytearray(path.read_bytes())
    data[-10_000:-9_600] = random.Random(1).randbytes(400)
    path.write_bytes(data)
    assert verify_result(path, ANYTHING).problems == ["its last pictures are damaged"]


def test_damage_between_the_ends_is_noted_and_not_fatal(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=6, faststart=True, audio=False)
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 4_000] = random.Random(1).randbytes(4_000)
    path.write_bytes(data)
    verification = verify_result(path, ANYTHING)
    assert verification.problems == []
    (note,) = verification.notes
    assert re.fullmatch(r"some of its pictures are damaged, from [234]\.\d s on", note)


def test_one_frame_is_enough_to_be_a_video(tmp_path):
    path = make_clip(tmp_path / "a.mp4", seconds=0.04, fps=25, audio=False)
    assert verify_result(path, ANYTHING).problems == []


@pytest.mark.parametrize(
    ("clip", "expected", "note"),
    [
        ({"container": "mov"}, ANYTHING, "it is a MOV file, an MP4 was expected"),
        ({"codec": "mpeg4"}, ANYTHING, "it is encoded as mpeg4, h264 was expected"),
        ({"seconds": 3}, Expected(duration_seconds=5), "it lasts 3.0 s, 5.0 s were asked for"),
        (
            {"width": 1280, "height": 720},
            Expected(resolution="1080P"),
            "it has 1280 x 720 pixels, which is not the 1080P that was asked for",
        ),
        (
            {"width": 1280, "height": 720},
            Expected(ratio="9:16"),
            "it has 1280 x 720 pixels, which is not the ratio 9:16 that was asked for",
        ),
        ({"audio": False}, Expected(audio=True), "it has no sound"),
        ({"audio": True}, Expected(audio=False), "it has sound, none was expected"),
    ],
)
def test_what_is_not_as_asked_is_noted_and_not_fatal(tmp_path, clip, expected, note):
    verification = verify_result(make_clip(tmp_path / "a.mp4", **{"seconds": 1} | clip), expected)
    assert (verification.problems, verification.notes) == ([], [note])


@pytest.mark.parametrize(("asked", "fine"), [(3.4, True), (3.6, False), (2.5, True), (2.4, False)])
def test_half_a_second_more_or_less_is_as_asked_in_a_short_clip(tmp_path, asked, fine):
    notes = verify_result(make_clip(tmp_path / "a.mp4", seconds=3), Expected(duration_seconds=asked)).notes
    assert (notes == []) == fine


def test_a_tenth_more_or_less_is_as_asked_in_a_longer_clip(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=10, fps=8, width=160, height=120, audio=False)
    assert verify_result(clip, Expected(duration_seconds=10.9)).notes == []
    assert verify_result(clip, Expected(duration_seconds=11.5)).notes != []


@pytest.mark.parametrize(
    ("tier", "ratio", "size"),
    [
        ("720P", "16:9", (1280, 720)),
        ("720P", "1:1", (960, 960)),
        ("720P", "4:3", (1104, 832)),
        ("720P", "3:4", (832, 1104)),
        ("1080P", "9:16", (1080, 1920)),
        ("1080P", "4:3", (1648, 1248)),
    ],
)
def test_every_size_of_the_providers_table_is_its_tier_and_ratio(tmp_path, tier, ratio, size):
    clip = make_clip(tmp_path / "a.mp4", width=size[0], height=size[1], seconds=0.1, audio=False)
    assert verify_result(clip, Expected(resolution=tier, ratio=ratio)).notes == []


def test_a_missing_file_is_an_error_of_the_storage(tmp_path):
    with pytest.raises(FileNotFoundError):
        verify_result(tmp_path / "nowhere.mp4", ANYTHING)
