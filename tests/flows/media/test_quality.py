"""Looking at samples of a result for what commonly goes wrong."""

from pathlib import Path
from typing import BinaryIO

import av
import pytest
from PIL import Image

import deployments
from deployments.emulator.looks import look_for
from deployments.emulator.media import Clip
from deployments.emulator.studio import EditPlan, render
from flows.media import UnreadableMedia, open_film, quality_notes, samples_of
from flows.media.quality import stretches
from flows.media.samples import sample_moments
from tests.clips import MOTIONLESS, make_clip

SAMPLES = Path(deployments.__path__[0]) / "samples"
MARKED = "something like a watermark stands in its lower right corner; none was asked for"
HUE = ("hue", "h=120")
UNEDITED = "most of it looks the same as the input: the edit may not have taken"


@pytest.fixture
def before(tmp_path):
    with make_clip(tmp_path / "before.mp4", seconds=4).open("rb") as stream:
        yield stream


@pytest.fixture
def scenery():
    """A clip of a real film."""
    with (SAMPLES / "bigbuckbunny.mp4").open("rb") as stream:
        yield stream


def rendered(folder: Path, *, watermark: str | None) -> Path:
    """Returns what a provider makes of that clip, with a picture in another corner."""
    film = SAMPLES / "bigbuckbunny.mp4"
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        clip = Clip(film, "of-the-test", (video.width, video.height), 0, float(video.duration * video.time_base))
    plan = EditPlan(look_for("night"), (1280, 720), 30, 3, "keep", watermark, "full")
    with Image.open(SAMPLES / "chelsea.png") as picture:
        render(clip, [picture], plan, folder / "after.mp4")
    return folder / "after.mp4"


def notes(before: BinaryIO, after: Path, *, may_be_marked: bool = False) -> list[str]:
    with after.open("rb") as stream, open_film(stream) as film:
        result, is_silent = samples_of(film), film.is_silent()
    with open_film(before) as film:
        clip, silenced = samples_of(film, result.moments), is_silent and not film.is_silent()
    return quality_notes(clip, result, silenced=silenced, may_be_marked=may_be_marked)


def edited(folder: Path, *filters: tuple[str, str], **shape) -> Path:
    return make_clip(folder / "after.mp4", seconds=4, filters=filters, **shape)


def test_an_edit_that_shows_is_not_remarked_upon(tmp_path, before):
    assert notes(before, edited(tmp_path, HUE)) == []


def test_a_small_edit_counts_as_one(tmp_path, before):
    patch = ("drawbox", "x=40:y=40:w=80:h=80:color=white:t=fill")
    assert notes(before, edited(tmp_path, patch)) == []


@pytest.mark.parametrize("shape", [{}, {"filters": [("scale", "320:180")]}, {"filters": [("gblur", "sigma=0.5")]}])
def test_a_mere_copy_is_remarked_upon_however_it_was_encoded(tmp_path, before, shape):
    copy = make_clip(tmp_path / "after.mp4", seconds=4, **shape)
    assert notes(before, copy) == [UNEDITED]


def test_a_black_end_is_remarked_upon_with_its_times(tmp_path, before):
    fade = ("fade", "t=out:st=2:d=0.05")
    assert notes(before, edited(tmp_path, HUE, fade)) == ["it is black from 2.0 s to 4.0 s"]


def test_a_result_that_stops_moving_is_remarked_upon_with_its_times(tmp_path, before):
    stop = (("trim", "duration=1"), ("tpad", "stop_mode=clone:stop_duration=3"))
    assert notes(before, edited(tmp_path, HUE, *stop)) == ["it stands still from 1.0 s to 4.0 s"]


def test_a_clip_that_never_moved_may_stand_still(tmp_path):
    still = make_clip(tmp_path / "before.mp4", seconds=2, picture=MOTIONLESS)
    with still.open("rb") as before:
        assert notes(before, make_clip(tmp_path / "a.mp4", seconds=2, picture=MOTIONLESS, filters=[HUE])) == []


def test_a_clip_that_was_black_may_stay_black(tmp_path):
    black = make_clip(tmp_path / "black.mp4", seconds=2, picture="color", filters=[("drawbox", "t=fill")])
    with black.open("rb") as before:
        assert notes(before, black) == [UNEDITED]


def test_a_mark_nobody_asked_for_is_remarked_upon(tmp_path, scenery):
    marked = rendered(tmp_path, watermark="AI Generated")
    assert notes(scenery, marked) == [MARKED]
    assert notes(scenery, marked, may_be_marked=True) == []


def test_pictures_in_other_corners_and_still_scenes_pass_for_no_mark(tmp_path, scenery):
    assert notes(scenery, rendered(tmp_path, watermark=None)) == []
    still = make_clip(tmp_path / "still.mp4", seconds=2, picture=MOTIONLESS)
    with still.open("rb") as before:
        sketch = make_clip(tmp_path / "a.mp4", seconds=2, picture=MOTIONLESS, filters=[("edgedetect", "")])
        assert MARKED not in notes(before, sketch)


def test_sound_that_cannot_be_heard_is_remarked_upon(tmp_path, before):
    assert notes(before, edited(tmp_path, HUE, loudness=0.0)) == ["its sound is silent from beginning to end"]
    assert notes(before, edited(tmp_path, HUE, loudness=0.01)) == []
    assert notes(before, edited(tmp_path, HUE, audio=False)) == []


def test_a_silent_clip_may_stay_silent(tmp_path):
    with make_clip(tmp_path / "silent.mp4", seconds=4, loudness=0.0).open("rb") as before:
        assert notes(before, edited(tmp_path, HUE, loudness=0.0)) == []


def test_what_cannot_be_decoded_is_an_error_not_a_note(tmp_path, before):
    path = tmp_path / "after.mp4"
    path.write_text("nothing to see")
    with pytest.raises(UnreadableMedia):
        notes(before, path)


def test_a_result_is_sampled_eight_to_thirty_times():
    assert len(sample_moments(0.5)) == 8
    assert sample_moments(4) == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75]
    assert len(sample_moments(600)) == 30


def test_only_stretches_of_a_second_or_more_matter():
    moments = [0.25, 0.75, 1.25, 1.75, 2.25]
    assert list(stretches([True, False, True, True, True], moments)) == [(1.0, 2.5)]
