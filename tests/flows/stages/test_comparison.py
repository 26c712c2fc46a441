"""What a result is compared with: its clip, read once for all results that were made from it."""

import io
from pathlib import Path

import pytest
from PIL import Image

from flows.media import Expected, Verification, verify_result
from flows.rules.job import EditJob
from flows.rules.records import Intent
from flows.stages.comparison import compared
from tests.clips import make_clip
from tests.flows.rules.making import intent
from tests.recorder import Recorder

UNEDITED = "most of it looks the same as the input: the edit may not have taken"


@pytest.fixture
def result(tmp_path) -> Verification:
    return verify_result(make_clip(tmp_path / "result.mp4", seconds=1, filters=[("hue", "h=120")]), Expected())


def made_from(video: str, identity: str = "sha256:1") -> Intent:
    job = EditJob(video=video, prompt="make it clay")
    return intent().model_copy(update={"job": job, "media": {video: identity}})


def test_results_of_one_clip_read_it_once(tmp_path, result):
    clip = make_clip(tmp_path / "clip.mp4", seconds=1).read_bytes()
    with Recorder() as web:
        web.serve(clip, ETag='"one"')
        first = compared(made_from(f"{web.url}/clip.mp4"), result, "one", ())
        asked = len(web.asked)
        second = compared(made_from(f"{web.url}/clip.mp4"), result, "another", ())
        assert first[1] == second[1] == []
        assert 0 < asked == len(web.asked)
        compared(made_from(f"{web.url}/clip.mp4", "sha256:2"), result, "of other content", ())
        assert len(web.asked) > asked


def test_without_its_clip_a_result_is_shown_alone_and_not_remarked_upon(tmp_path, result):
    sheet, notes = compared(made_from(str(tmp_path / "gone.mp4")), result, "alone", ())
    assert sheet is not None and notes == []
    assert Image.open(io.BytesIO(sheet)).format == "JPEG"


def test_a_clip_that_comes_back_is_compared_with(tmp_path: Path, result):
    clip = tmp_path / "clip.mp4"
    assert compared(made_from(str(clip)), result, "gone", ())[1] == []
    make_clip(clip, seconds=1, filters=[("hue", "h=120")])
    assert compared(made_from(str(clip)), result, "back", ())[1] == [UNEDITED]


def test_what_cannot_be_shown_has_no_sheet_and_says_so(result):
    unseen = Verification(result.facts)
    assert compared(made_from("clip.mp4"), unseen, "unseen", ()) == (None, ["no contact sheet could be drawn"])
