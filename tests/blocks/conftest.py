"""The clients of both providers, at the emulator and at a server that only records."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from blocks.clients.apiyi import ApiyiClient
from blocks.clients.dashscope import DashScopeClient
from blocks.clients.provider import EditRequest
from deployments.emulator import WAN, Emulator
from tests.conftest import KEY, Media
from tests.recorder import Recorder

REGION = "ap-southeast-1"


@pytest.fixture
async def dashscope(emulator: Emulator) -> AsyncIterator[DashScopeClient]:
    client = DashScopeClient(KEY, emulator.dashscope_base_url, REGION)
    yield client
    await client.close()


@pytest.fixture
async def recorded_dashscope(recorder: Recorder) -> AsyncIterator[DashScopeClient]:
    client = DashScopeClient(KEY, f"{recorder.url}/api/v1", REGION, "ws-1")
    yield client
    await client.close()


@pytest.fixture
async def apiyi(emulator: Emulator) -> AsyncIterator[ApiyiClient]:
    client = ApiyiClient(KEY, emulator.apiyi_base_url)
    yield client
    await client.close()


@pytest.fixture
async def recorded_apiyi(recorder: Recorder) -> AsyncIterator[ApiyiClient]:
    client = ApiyiClient(KEY, recorder.url)
    yield client
    await client.close()


@pytest.fixture
def edit(media: Media) -> Callable[..., EditRequest]:
    """An edit the emulator can really make; both providers take it."""

    def edit(prompt: str = "claymation", model: str = WAN) -> EditRequest:
        parameters = {"resolution": "720P", "watermark": False}
        return EditRequest(model, prompt, None, media.clip_url, (media.picture_url,), parameters)

    return edit


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Lets threads take turns a thousand times more often, so that a race shows at once."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)
