"""What each provider says to a body that is not right, before any money is spent."""

from typing import Any

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator
from tests.emulator.asking import Apiyi, DashScope, body
from tests.emulator.conftest import MediaServer, quick_config

CLIP, IMAGE = "http://127.0.0.1:9/clip.mp4", "http://127.0.0.1:9/image.png"


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    place = document
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return document


DASHSCOPE_REFUSALS = {
    "no model": (without(body(CLIP), "model"), "Field required: model"),
    "unknown model": (body(CLIP, model="wan9"), "Model not exist."),
    "no input": (without(body(CLIP), "input"), "Field required: input.media"),
    "no media": (without(body(CLIP), "input", "media"), "Field required: input.media"),
    "no video": ({**body(CLIP), "input": {"media": []}}, "Field required: input.media.video"),
    "two videos": (
        {**body(CLIP), "input": {"media": [{"type": "video", "url": CLIP}] * 2}},
        "exactly one video",
    ),
    "no prompt for HappyHorse": (body(CLIP, model=HAPPYHORSE, prompt=""), "Field required: input.prompt"),
    "four images for Wan": (body(CLIP, *[IMAGE] * 4), "at most 3"),
    "six images for HappyHorse": (body(CLIP, *[IMAGE] * 6, model=HAPPYHORSE), "at most 5"),
    "a video as data": (body("data:video/mp4;base64,AAAA"), "url error, please check url"),
    "a local path": (body("file:///clip.mp4"), "url error, please check url"),
    "an unknown kind of medium": (
        {**body(CLIP), "input": {"media": [{"type": "audio", "url": CLIP}]}},
        "must be one of video, reference_image",
    ),
    "an unknown parameter": (body(CLIP, style="oil"), "parameters.style"),
    "a ratio for HappyHorse": (body(CLIP, model=HAPPYHORSE, ratio="16:9"), "parameters.ratio"),
    "prompt_extend for HappyHorse": (body(CLIP, model=HAPPYHORSE, prompt_extend=True), "parameters.prompt_extend"),
    "duration as text": (body(CLIP, duration="5"), "parameters.duration"),
    "too short a duration": (body(CLIP, duration=1), "2 ~ 10"),
    "an odd resolution": (body(CLIP, resolution="480P"), "720P, 1080P"),
    "a negative seed": (body(CLIP, seed=-1), "2147483647"),
    "watermark as number": (body(CLIP, watermark=1), "parameters.watermark"),
}


@pytest.mark.parametrize("case", DASHSCOPE_REFUSALS)
def test_dashscope_refuses_with_400_invalid_parameter(emulator: Emulator, case: str):
    document, words = DASHSCOPE_REFUSALS[case]
    answer = DashScope(emulator).create(document)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert words in answer.json()["message"]
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"]
    assert emulator.audit() == []


APIYI_REFUSALS = {
    "no image": (body(CLIP), 500, "build_request_failed", "[InvalidParameter] Field required"),
    "no video": ({**body(CLIP), "input": {"prompt": "x", "media": []}}, 500, "build_request_failed", "video"),
    "no prompt": (body(CLIP, IMAGE, prompt=""), 400, "task_error", "input.prompt"),
    "six images": (body(CLIP, *[IMAGE] * 6), 400, "task_error", "at most 5"),
    "an oss address": (body("oss://dashscope-instant/a/b/c/clip.mp4", IMAGE), 400, "task_error", "url error"),
    "unknown model": (body(CLIP, IMAGE, model="wan9"), 503, "task_error", "无可用渠道"),
    "duration as text": (
        body(CLIP, IMAGE, duration="5"),
        400,
        "parse_request_failed",
        "cannot unmarshal string into Go struct field WanVideoRequest.parameters.duration of type int",
    ),
}


@pytest.mark.parametrize("case", APIYI_REFUSALS)
def test_apiyi_refuses_in_its_own_envelope(emulator: Emulator, case: str):
    document, status, kind, words = APIYI_REFUSALS[case]
    answer = Apiyi(emulator).create(document)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (status, kind)
    assert words in error["message"]
    assert emulator.audit() == []


def test_a_body_that_is_no_json_is_refused(dashscope: DashScope, apiyi: Apiyi):
    ours = dashscope.post("services/aigc/video-generation/video-synthesis", content=b'{"model":')
    theirs = apiyi.post("wan/api/v1/services/aigc/video-generation/video-synthesis", content=b'{"model":')
    assert (ours.status_code, ours.json()["code"]) == (400, "InvalidParameter")
    assert (theirs.status_code, theirs.json()["error"]["type"]) == (400, "parse_request_failed")


def test_apiyi_takes_what_its_pages_list_for_happyhorse(apiyi: Apiyi):
    document = body(CLIP, IMAGE, model=HAPPYHORSE, prompt_extend=True, watermark=True, duration=5)
    assert apiyi.created(document).startswith("hh-")


def test_the_sdks_stray_extend_prompt_is_tolerated(dashscope: DashScope):
    document = body(CLIP)
    document["input"] |= {"extend_prompt": True, "prompt": None}
    assert dashscope.create(document).status_code == 200


def test_a_long_prompt_is_cut_without_a_word(dashscope: DashScope):
    wan = dashscope.created(body(CLIP, prompt="长" * 6000))
    horse = dashscope.created(body(CLIP, model=HAPPYHORSE, prompt="长" * 6000))
    assert dashscope.poll(wan)["output"]["orig_prompt"] == "长" * 5000
    assert dashscope.poll(horse)["output"]["orig_prompt"] == "长" * 2500


def test_four_references_can_be_allowed_as_later_pages_do():
    with Emulator(quick_config(wan_references=4)) as emulator:
        assert DashScope(emulator).create(body(CLIP, *[IMAGE] * 4)).status_code == 200


def test_a_wrong_body_can_be_found_at_run_time_instead(media: MediaServer):
    with Emulator(quick_config(check_at="run")) as emulator:
        ours, theirs = DashScope(emulator), Apiyi(emulator)
        first = ours.created(without(body(CLIP), "input", "media"))
        second = theirs.created(body(media.clip))
        emulator.wait(status="FAILED", count=2)
        output = ours.poll(first)["output"]
        assert (output["task_status"], output["code"]) == ("FAILED", "InvalidParameter")
        assert output["message"] == "Field required: input.media"
        assert theirs.poll(second)["error"]["message"].startswith("[InvalidParameter] Field required")
        assert ours.create(body(CLIP, model="wan9")).status_code == 400
        assert theirs.create(body(CLIP, duration="5")).json()["error"]["type"] == "parse_request_failed"


def test_a_model_is_served_in_its_regions_only():
    with Emulator(quick_config(region="us-east-1")) as emulator:
        client = DashScope(emulator)
        assert client.create(body(CLIP, model=WAN)).json()["code"] == "ModelNotFound"
        assert client.create(body(CLIP, model=HAPPYHORSE)).status_code == 200
