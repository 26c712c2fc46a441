"""The official SDK as a user of the emulator: its 1.x API and its newer client."""

from collections.abc import Iterator
from http import HTTPStatus

import dashscope as sdk
import httpx
import pytest
from dashscope.v2 import Client

from deployments.emulator import WAN, Answer, Emulator, Fault, Reset
from tests.emulator.asking import KEY
from tests.emulator.conftest import SAMPLES, MediaServer, quick_config


@pytest.fixture(scope="module")
def fast() -> Iterator[Emulator]:
    """The SDK polls by the second: provider time has to run."""
    with Emulator(quick_config(clock_scale=100)) as emulator:
        yield emulator


@pytest.fixture
def videos(fast: Emulator, monkeypatch: pytest.MonkeyPatch) -> type[sdk.VideoSynthesis]:
    fast.reset()
    monkeypatch.setattr(sdk, "base_http_api_url", fast.dashscope_base_url)
    monkeypatch.setattr(sdk, "api_key", KEY)
    return sdk.VideoSynthesis


def asked(clip: str) -> dict:
    return {
        "model": WAN,
        "prompt": "claymation",
        "media": [{"type": "video", "url": clip}],
        "resolution": "720P",
        "watermark": False,
    }


def test_the_sdk_creates_waits_and_gets_a_link(videos, media: MediaServer):
    created = videos.async_call(**asked(media.clip))
    assert (created.status_code, created.output.task_status) == (HTTPStatus.OK, "PENDING")
    done = videos.wait(created)
    assert done.output.task_status == "SUCCEEDED"
    assert done.usage["input_video_duration"] == 5.28
    assert httpx.get(done.output.video_url).headers["content-type"] == "video/mp4"
    assert videos.fetch(created).output.video_url == done.output.video_url


def test_the_sdk_uploads_local_files_itself(videos, fast: Emulator):
    call = asked(str(SAMPLES / "bigbuckbunny.mp4"))
    call["media"].append({"type": "reference_image", "url": f"file://{SAMPLES / 'astronaut.png'}"})
    created = videos.async_call(**call)
    assert videos.wait(created).output.task_status == "SUCCEEDED"
    (entry,) = fast.audit()
    assert entry.body.count("oss://dashscope-instant/") == 2
    assert entry.headers["x-dashscope-ossresourceresolve"] == "enable"
    assert fast.counters().operations["dashscope upload"].outcomes == {"200": 2}


def test_the_sdk_lists_and_cancels(videos, media: MediaServer, emulator: Emulator, monkeypatch):
    monkeypatch.setattr(sdk, "base_http_api_url", emulator.dashscope_base_url)
    created = []
    for _ in range(6):
        created.append(videos.async_call(**asked(media.clip)).output.task_id)
        emulator.advance(1)
    listed = videos.list(model_name=WAN, page_size=10)
    assert [row["task_id"] for row in listed.output["data"]] == created[::-1]
    assert videos.cancel(created[-1]).status_code == HTTPStatus.OK
    assert videos.fetch(created[-1]).output.task_status == "CANCELED"
    assert videos.cancel(created[0]).code == "UnsupportedOperation"


def test_the_sdk_is_told_of_refusals(videos, media: MediaServer):
    answer = videos.async_call(**{**asked(media.clip), "resolution": "480P"})
    assert (answer.status_code, answer.code) == (HTTPStatus.BAD_REQUEST, "InvalidParameter")
    answer = videos.async_call(**asked(media.clip), api_key="none")
    assert (answer.status_code, answer.code) == (HTTPStatus.UNAUTHORIZED, "InvalidApiKey")


def test_the_sdk_pays_twice_when_a_create_is_reset_after_it_was_accepted(videos, fast: Emulator, media: MediaServer):
    fast.set_faults([Fault(operation="create", does=Reset(when="after"), times=1)])
    assert videos.async_call(**asked(media.clip)).status_code == HTTPStatus.OK
    assert len(fast.audit()) == 2


def test_the_newer_client_creates_and_waits(fast: Emulator, media: MediaServer):
    fast.reset()
    with Client(api_key=KEY, base_url=fast.dashscope_base_url) as client:
        job = client.videos.jobs.create(
            model=WAN,
            prompt="claymation",
            media=[{"type": "video", "url": media.clip}],
            resolution="720P",
        )
        assert client.videos.jobs.wait(job).video_url
        assert client.videos.jobs.fetch(job.task_id).succeeded


def test_the_newer_client_pays_three_times_for_one_create_answered_503(fast: Emulator, media: MediaServer):
    fast.reset()
    unavailable = Answer(status=503, code="ModelUnavailable", message="later", when="after")
    fast.set_faults([Fault(operation="create", does=unavailable)])
    with Client(api_key=KEY, base_url=fast.dashscope_base_url) as client, pytest.raises(Exception, match="later"):
        client.videos.jobs.create(model=WAN, media=[{"type": "video", "url": media.clip}])
    assert len(fast.audit()) == 3
