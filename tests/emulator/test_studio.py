"""What the results look and sound like, read back from the files."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from deployments.emulator import HAPPYHORSE, WAN, Emulator
from deployments.emulator.catalog import RATIOS
from deployments.emulator.looks import LOOKS, look_for, speaks_of_sound
from deployments.emulator.media import Clip
from deployments.emulator.studio import EditPlan, render, stamp
from tests.clips import make_clip
from tests.emulator.asking import Apiyi, DashScope, body, finish
from tests.emulator.conftest import MediaServer, quick_config

Edit = Callable[..., bytes]


@pytest.fixture
def edit(emulator: Emulator, dashscope: DashScope, media: MediaServer) -> Edit:
    """Have DashScope edit the sample clip and give the result's bytes."""

    def ask(*images: str, clip: str = media.clip, **asked: Any) -> bytes:
        task_id = dashscope.created(body(clip, *images, **asked))
        finish(emulator, len(emulator.audit()))
        return httpx.get(dashscope.poll(task_id)["output"]["video_url"]).content

    return ask


def still(video: bytes | Path, place: int = 0) -> Image.Image:
    with av.open(io.BytesIO(video) if isinstance(video, bytes) else str(video)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == place:
                return frame.to_image()
    raise AssertionError("the video is too short")


def difference(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other.resize(one.size))).mean) / 3


def facts(video: bytes) -> dict[str, Any]:
    with av.open(io.BytesIO(video)) as container:
        stream = container.streams.video[0]
        return {
            "codec": stream.codec_context.name,
            "size": (stream.width, stream.height),
            "rate": stream.average_rate,
            "seconds": float(stream.duration * stream.time_base),
            "sound": [sound.codec_context.name for sound in container.streams.audio],
            "comment": container.metadata["comment"].strip(),
        }


@pytest.mark.parametrize(("resolution", "ratio"), RATIOS)
def test_a_ratio_gives_the_published_size(edit: Edit, resolution: str, ratio: str):
    video = edit(resolution=resolution, ratio=ratio, duration=2)
    assert facts(video)["size"] == RATIOS[resolution, ratio]


def test_without_a_ratio_the_clips_aspect_is_kept_at_the_tiers_area(edit: Edit, media: MediaServer):
    make_clip(media.folder / "square.mp4", width=400, height=400, audio=False)
    make_clip(media.folder / "wide.mp4", width=960, height=400, audio=False)
    make_clip(media.folder / "upright.mp4", rotate=-90, audio=False)
    assert facts(edit(clip=f"{media.url}/square.mp4"))["size"] == (960, 960)
    assert facts(edit(clip=f"{media.url}/wide.mp4"))["size"] == (1488, 620)
    assert facts(edit(clip=f"{media.url}/upright.mp4"))["size"] == (720, 1280)


def test_wan_gives_30_frames_a_second_and_happyhorse_24(edit: Edit):
    assert facts(edit(model=WAN))["rate"] == 30
    assert facts(edit(model=HAPPYHORSE))["rate"] == 24


def test_the_whole_clip_is_kept_unless_cut(edit: Edit):
    assert facts(edit())["seconds"] == pytest.approx(5.28, abs=0.05)
    assert facts(edit(duration=3))["seconds"] == 3


def test_happyhorse_gives_fifteen_seconds_at_most(edit: Edit, media: MediaServer):
    make_clip(media.folder / "long.mp4", seconds=17, fps=10)
    assert facts(edit(clip=f"{media.url}/long.mp4", model=HAPPYHORSE))["seconds"] == 15


def test_results_are_h264_and_aac_and_name_their_provider_task(edit: Edit, emulator: Emulator):
    seen = facts(edit())
    assert (seen["codec"], seen["sound"]) == ("h264", ["aac"])
    assert seen["comment"] == f"provider task {emulator.audit()[0].provider_task_id}"


def test_equal_edits_are_still_distinct_files(edit: Edit):
    assert edit() != edit()


def test_a_silent_clip_stays_silent_unless_sound_is_asked_for(edit: Edit, media: MediaServer):
    make_clip(media.folder / "silent.mp4", audio=False)
    clip = f"{media.url}/silent.mp4"
    assert facts(edit(clip=clip))["sound"] == []
    assert facts(edit(clip=clip, prompt="add jazz music"))["sound"] == ["aac"]
    assert facts(edit(clip=clip, prompt="add jazz music", audio_setting="origin"))["sound"] == []


def loudness(video: bytes) -> float:
    """Mean size of the samples."""
    with av.open(io.BytesIO(video)) as container:
        values = [
            abs(value)
            for frame in container.decode(audio=0)
            for value in memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples]
        ]
    return sum(values) / len(values)


def test_origin_keeps_the_sound_and_auto_makes_it_anew_when_the_prompt_speaks_of_it(edit: Edit):
    kept, origin, anew = (
        loudness(edit(prompt=prompt, **asked))
        for prompt, asked in (
            ("claymation", {}),
            ("claymation with loud music", {"audio_setting": "origin"}),
            ("claymation with loud music", {}),
        )
    )
    assert kept == pytest.approx(origin)
    assert anew != pytest.approx(kept, rel=0.05)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_every_look_changes_every_frame_visibly(look, tmp_path: Path):
    path = make_clip(tmp_path / "clip.mp4", seconds=0.5, filters=[("hue", "s=0.6")])
    clip = Clip(path, "", (640, 360), 0, 0.5)
    render(clip, [], EditPlan(look, (640, 360), 24, None, "keep", None, "full"), tmp_path / "result.mp4")
    for place in (0, 6, 11):
        assert difference(still(path, place), still(tmp_path / "result.mp4", place)) > 4


def test_the_prompt_chooses_the_look():
    assert look_for("Convert the entire scene to a claymation style").name == "clay"
    assert look_for("a pencil sketch at night").name == "pencil"
    assert look_for("Set it at NIGHT").name == "night"
    assert look_for("replace the jacket") == look_for("replace the jacket")
    assert len({look_for(f"replace jacket {number}").name for number in range(50)}) > 5
    assert speaks_of_sound("with birdsong sounds")
    assert not speaks_of_sound("a red jacket")


def test_different_prompts_give_different_pictures(edit: Edit):
    assert difference(still(edit(prompt="claymation")), still(edit(prompt="at night"))) > 10


def test_a_full_edit_follows_the_clip_frame_by_frame(media: MediaServer):
    with Emulator(quick_config(effort="full")) as emulator, DashScope(emulator) as client:
        task_id = client.created(body(media.clip, prompt="at night"))
        finish(emulator)
        video = httpx.get(client.poll(task_id)["output"]["video_url"]).content
    assert facts(video)["seconds"] == pytest.approx(5.28, abs=0.05)
    assert difference(still(video, 0), still(video, 140)) > 3


def test_the_reference_images_are_drawn_in(edit: Edit, media: MediaServer):
    Image.new("RGB", (400, 400), (255, 0, 255)).save(media.folder / "magenta.png")
    shown = still(edit(f"{media.url}/magenta.png", prompt="noir"))
    red, green, blue = shown.getpixel((80, 620))
    assert (red > 200, green < 60, blue > 200) == (True, True, True)


def corner(picture: Image.Image) -> Image.Image:
    return picture.crop((picture.width * 3 // 4, picture.height * 9 // 10, picture.width, picture.height))


def test_the_watermark_stands_in_the_lower_right_corner_where_documented(
    edit: Edit, emulator: Emulator, apiyi: Apiyi, media: MediaServer
):
    plain = still(edit(watermark=False))
    assert difference(corner(still(edit())), corner(plain)) < 1
    marked = still(edit(watermark=True))
    assert difference(corner(marked), corner(plain)) > 4
    assert difference(marked.crop((0, 0, 1280, 600)), plain.crop((0, 0, 1280, 600))) < 1
    horse, plain_horse = still(edit(model=HAPPYHORSE)), still(edit(model=HAPPYHORSE, watermark=False))
    assert difference(corner(horse), corner(plain_horse)) > 4
    task_id = apiyi.created(body(media.clip, media.cat, model=HAPPYHORSE))
    finish(emulator, len(emulator.audit()))
    theirs = still(httpx.get(apiyi.poll(task_id)["result_url"]).content)
    assert difference(corner(theirs), corner(plain_horse)) < 1


def test_a_stamp_leaves_the_length_alone():
    video = b"moov" + b"provider task " + b"." * 64 + b"mdat"
    assert stamp(video, "abc").startswith(b"moovprovider task abc ")
    assert len(stamp(video, "abc")) == len(video)


def test_turned_clips_come_out_upright(edit: Edit, media: MediaServer):
    upright = make_clip(media.folder / "phone.mp4", rotate=-90, audio=False)
    lying = still(upright)
    shown = still(edit(clip=f"{media.url}/phone.mp4", prompt="pixel art"))
    turned = lying.transpose(Image.Transpose.ROTATE_270)
    assert difference(shown, turned) < difference(shown, turned.transpose(Image.Transpose.ROTATE_180))
