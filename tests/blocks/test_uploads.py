"""The temporary store: one policy and one random name per file, within its limits."""

import asyncio
import io
import json
from dataclasses import replace

import pytest

from blocks.clients.transport import CallFailed
from deployments.emulator import WAN
from flows.rules.failures import Cause
from tests.conftest import RUN_SECONDS
from tests.recorder import Asked, Reply

pytestmark = pytest.mark.anyio


async def test_an_uploaded_clip_can_be_edited_by_the_model_it_was_uploaded_for(dashscope, emulator, media, edit):
    address = await dashscope.upload(WAN, ".mp4", io.BytesIO(media.clip.read_bytes()))
    await dashscope.create(replace(edit(), video=address))
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED")
    (entry,) = emulator.audit()
    assert entry.headers["x-dashscope-ossresourceresolve"] == "enable"


async def test_every_upload_has_its_own_policy_and_a_name_nobody_else_has(dashscope, emulator):
    addresses = await asyncio.gather(*(dashscope.upload(WAN, ".png", io.BytesIO(b"same")) for _ in range(4)))
    assert len({address.rpartition("/")[0] for address in addresses}) == 4
    assert len({address.rpartition("/")[2] for address in addresses}) == 4
    assert all(address.startswith("oss://") and address.endswith(".png") for address in addresses)
    assert emulator.counters().operations["dashscope policy"].received == 4


async def test_the_file_comes_last_in_the_form_and_the_key_is_not_sent_to_the_store(recorder, recorded_dashscope):
    host = f"{recorder.url}/bucket"
    policy = {
        "upload_host": host,
        "upload_dir": "dir/x",
        "policy": "p",
        "signature": "s",
        "oss_access_key_id": "id",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
        "max_file_size_mb": "1",
    }

    def reply(asked: Asked) -> Reply:
        return Reply(body=json.dumps({"data": policy}).encode() if asked.method == "GET" else b"")

    recorder.reply = reply
    address = await recorded_dashscope.upload(WAN, ".mp4", io.BytesIO(b"the clip"))
    asked, posted = recorder.asked
    assert asked.path == f"/api/v1/uploads?action=getPolicy&model={WAN}"
    assert posted.path == "/bucket"
    assert "authorization" not in posted.headers
    assert not [name for name in posted.headers if name.startswith("x-dashscope")]
    names = [part.split(b'"')[1].decode() for part in posted.body.split(b"Content-Disposition")[1:]]
    assert names == [
        "OSSAccessKeyId",
        "Signature",
        "policy",
        "x-oss-object-acl",
        "x-oss-forbid-overwrite",
        "key",
        "success_action_status",
        "file",
    ]
    assert address.removeprefix("oss://").encode() in posted.body


async def test_a_file_above_the_stores_own_limit_is_not_sent(recorder, recorded_dashscope):
    policy = {"upload_host": recorder.url, "upload_dir": "d", "max_file_size_mb": "1"}
    recorder.reply = lambda _: Reply(body=json.dumps({"data": policy}).encode())
    with pytest.raises(CallFailed, match=r"1\.5 MB are more than the 1 MB") as caught:
        await recorded_dashscope.upload(WAN, ".mp4", io.BytesIO(bytes(3 * 512 * 1024)))
    assert caught.value.failure.cause is Cause.INVALID
    assert len(recorder.asked) == 1


async def test_an_incomplete_policy_is_nonsense(recorder, recorded_dashscope):
    recorder.reply = lambda _: Reply(body=b'{"data": {"upload_host": "https://x"}}')
    with pytest.raises(CallFailed) as caught:
        await recorded_dashscope.upload(WAN, ".mp4", io.BytesIO(b"clip"))
    assert caught.value.failure.cause is Cause.NONSENSE


async def test_a_large_file_is_never_whole_in_memory(dashscope):
    class Watched(io.BytesIO):
        most = 0

        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size)
            self.most = max(self.most, len(content))
            return content

    content = Watched(bytes(2_000_000))
    await dashscope.upload(WAN, ".mp4", content)
    assert 0 < content.most < 100_000
