"""Media that break a published limit: found on the files themselves."""

import base64
import io

import pytest
from PIL import Image

from deployments.emulator import HAPPYHORSE, WAN, Emulator
from tests.clips import make_clip
from tests.emulator.asking import Apiyi, DashScope, body, finish
from tests.emulator.conftest import SAMPLES, MediaServer, quick_config

CLIPS = {
    "too short for Wan": (WAN, {"seconds": 1}, "InvalidFile.Duration"),
    "too long for Wan": (WAN, {"seconds": 11, "fps": 5}, "InvalidFile.Duration"),
    "too short for HappyHorse": (HAPPYHORSE, {"seconds": 2}, "InvalidFile.Duration"),
    "too small for Wan": (WAN, {"width": 320, "height": 180}, "InvalidFile.Resolution"),
    "too small for HappyHorse": (HAPPYHORSE, {"width": 480, "height": 320}, "InvalidFile.Resolution"),
    "too slow for HappyHorse": (HAPPYHORSE, {"fps": 5}, "InvalidFile.FPS"),
    "too narrow for HappyHorse": (HAPPYHORSE, {"width": 1280, "height": 400}, "InvalidFile.AspectRatio"),
    "not an MP4": (WAN, {"container": "matroska"}, "InvalidFile.Format"),
}


@pytest.mark.parametrize("case", CLIPS)
def test_a_clip_that_breaks_a_limit_fails_at_run_time(
    emulator: Emulator, dashscope: DashScope, media: MediaServer, case: str
):
    model, shape, code = CLIPS[case]
    clip = make_clip(media.folder / f"{case.replace(' ', '-')}.mp4", audio=False, **shape)
    task_id = dashscope.created(body(f"{media.url}/{clip.name}", model=model))
    emulator.wait(status="FAILED")
    output = dashscope.poll(task_id)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", code)
    assert emulator.audit()[0].cost == 0


IMAGES = {
    "too small": (Image.new("RGB", (200, 300)), "PNG", "InvalidFile.ImageSize"),
    "too narrow": (Image.new("RGB", (2400, 280)), "PNG", "InvalidFile.AspectRatio"),
    "see-through": (Image.new("RGBA", (300, 300)), "PNG", "InvalidFile.Format"),
    "a GIF": (Image.new("P", (300, 300)), "GIF", "InvalidFile.Format"),
}


@pytest.mark.parametrize("case", IMAGES)
def test_an_image_that_breaks_a_limit_fails_at_run_time(
    emulator: Emulator, dashscope: DashScope, media: MediaServer, case: str
):
    image, kind, code = IMAGES[case]
    image.save(media.folder / f"{case}.img", kind)
    task_id = dashscope.created(body(media.clip, f"{media.url}/{case}.img"))
    emulator.wait(status="FAILED")
    assert dashscope.poll(task_id)["output"]["code"] == code


@pytest.mark.parametrize(
    ("path", "code"),
    [("/missing.mp4", "InvalidFile.DownloadFailed"), ("/astronaut.png", "InvalidFile.Format")],
)
def test_what_is_no_clip_fails_at_run_time(
    emulator: Emulator, dashscope: DashScope, media: MediaServer, path: str, code: str
):
    task_id = dashscope.created(body(media.url + path))
    emulator.wait(status="FAILED")
    assert dashscope.poll(task_id)["output"]["code"] == code


def test_apiyi_gives_the_same_reason_in_brackets(emulator: Emulator, apiyi: Apiyi, media: MediaServer):
    task_id = apiyi.created(body(f"{media.url}/missing.mp4", media.cat))
    emulator.wait(status="FAILED")
    assert apiyi.poll(task_id)["error"]["message"].startswith("[InvalidFile.DownloadFailed] ")


def test_limits_of_media_can_be_found_at_create_instead(media: MediaServer):
    with Emulator(quick_config(check_media_at="create")) as emulator, DashScope(emulator) as client:
        answer = client.create(body(f"{media.url}/missing.mp4"))
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidFile.DownloadFailed")
        assert emulator.audit() == []
        task_id = client.created(body(media.clip))
        finish(emulator)
        assert client.status(task_id) == "SUCCEEDED"


def test_images_may_be_data_uris(emulator: Emulator, apiyi: Apiyi, media: MediaServer):
    picture = io.BytesIO()
    Image.open(SAMPLES / "chelsea.png").save(picture, "JPEG")
    uri = f"data:image/jpeg;base64,{base64.b64encode(picture.getvalue()).decode()}"
    task_id = apiyi.created(body(media.clip, uri))
    finish(emulator)
    assert apiyi.poll(task_id)["status"] == "completed"
