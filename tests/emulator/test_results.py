"""Signed downloads, as OSS serves them."""

import hashlib

import fastcrc
import httpx
import pytest

from deployments.emulator import Emulator
from tests.emulator.asking import Apiyi, DashScope, body, finish
from tests.emulator.conftest import MediaServer


@pytest.fixture
def link(emulator: Emulator, dashscope: DashScope, media: MediaServer) -> str:
    task_id = dashscope.created(body(media.clip))
    finish(emulator)
    return dashscope.poll(task_id)["output"]["video_url"]


def test_a_result_carries_the_headers_oss_sends(link: str):
    answer = httpx.get(link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-oss-hash-crc64ecma"] == str(fastcrc.crc64.xz(answer.content))
    assert answer.headers["etag"] == f'"{hashlib.md5(answer.content).hexdigest().upper()}"'
    assert "last-modified" in answer.headers


def test_a_part_can_be_asked_for(link: str):
    whole = httpx.get(link).content
    part = httpx.get(link, headers={"Range": "bytes=1000-"})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert part.content == whole[1000:]
    assert httpx.get(link, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_a_key_must_not_be_sent_to_the_result_host(link: str):
    answer = httpx.get(link, headers={"Authorization": "Bearer sk-test"})
    assert answer.status_code == 400
    assert "<Code>InvalidArgument</Code>" in answer.text


def test_the_address_opens_to_get_only(link: str):
    assert httpx.head(link).status_code == 403


@pytest.mark.parametrize(
    "spoil", [lambda url: url[:-6], lambda url: url.replace(".mp4", "x.mp4"), lambda url: url.split("?")[0]]
)
def test_a_changed_address_is_refused(link: str, spoil):
    assert httpx.get(spoil(link)).status_code == 403


def test_a_later_expiry_cannot_be_written_into_the_address(link: str):
    expires = httpx.URL(link).params["Expires"]
    answer = httpx.get(link.replace(expires, str(int(expires) + 1)))
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.text


def test_polling_again_does_not_make_the_address_live_longer(
    emulator: Emulator, dashscope: DashScope, media: MediaServer
):
    task_id = dashscope.created(body(media.clip))
    finish(emulator)
    first = dashscope.poll(task_id)["output"]["video_url"]
    emulator.advance(3600)
    assert dashscope.poll(task_id)["output"]["video_url"] == first


def test_an_address_expires_a_day_after_the_result_was_written(emulator: Emulator, link: str):
    emulator.advance(24 * 3600 - 60)
    assert httpx.get(link).status_code == 200
    emulator.advance(60)
    late = httpx.get(link)
    assert late.status_code == 403
    assert "<Message>Request has expired.</Message>" in late.text


def test_downloads_are_counted_for_each_result(emulator: Emulator, link: str):
    for _ in range(3):
        httpx.get(link)
    httpx.get(link[:-6])
    assert [entry.downloads for entry in emulator.audit()] == [3]


def test_a_watermarked_result_says_so_in_its_name(emulator: Emulator, apiyi: Apiyi, media: MediaServer):
    task_id = apiyi.created(body(media.clip, media.cat, watermark=True))
    finish(emulator)
    assert "_watermark.mp4?" in apiyi.poll(task_id)["result_url"]


def test_addresses_use_the_host_the_client_used(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    task_id = dashscope.created(body(media.clip))
    finish(emulator)
    answer = dashscope.get(f"tasks/{task_id}", headers={"Host": "provider.test:1234"})
    assert answer.json()["output"]["video_url"].startswith("http://provider.test:1234/dashscope-result-sgp/")
