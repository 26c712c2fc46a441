"""Fetching a result that is paid for: whatever breaks on the way, it arrives whole or is known to be missing."""

import functools
import hashlib
import threading
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastcrc import crc64

from blocks.clients import transport
from blocks.clients.provider import EditRequest, ProviderTask
from blocks.clients.transport import CallFailed
from deployments.emulator import Answer, Emulator, Fault, File, Hang, Reset
from flows.ledger.journal import writer
from flows.rules.budget import Cost
from flows.rules.failures import Cause
from flows.rules.history import Attempt
from flows.rules.job import WAN, EditJob, Provider
from flows.rules.records import Intent, Submitted
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.transfer import fetch as module
from flows.transfer.fetch import ResultBroken, fetch
from tests.conftest import RUN_SECONDS, Media
from tests.recorder import Asked, Reply, part_of

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 0.001)


@pytest.fixture
async def run(providers: Emulator) -> AsyncIterator[Run]:
    async with open_run(RunOptions()) as run:
        yield run


Finished = Callable[..., Awaitable[tuple[Attempt, ProviderTask]]]


@pytest.fixture
def finished(run: Run, emulator: Emulator, media: Media) -> Finished:
    """Makes an edit at the emulator and returns it as the journal and the provider tell of it."""

    async def finished(provider: Provider = Provider.DASHSCOPE) -> tuple[Attempt, ProviderTask]:
        client, endpoint = await run.client(provider), await run.endpoint(provider, WAN)
        parameters = {"resolution": "720P"}
        created = await client.create(
            EditRequest(WAN, "claymation", None, media.clip_url, (media.picture_url,), parameters)
        )
        emulator.advance(RUN_SECONDS)
        emulator.wait(status="SUCCEEDED")
        said = {"attempt": 1, "at": NOW, "by": writer()}
        intent = Intent(
            **said,
            job_key="job",
            name="clip",
            job=EditJob(video=media.clip_url),
            endpoint=endpoint,
            parameters=parameters,
            media={},
            clip_seconds=3,
            estimate=Cost(amount=Decimal(1), currency="CNY"),
            not_after=NOW + timedelta(seconds=90),
        )
        attempt = Attempt(1, intent, submitted=Submitted(**said, provider_task_id=created.provider_task_id))
        return attempt, await client.get(created.provider_task_id)

    return finished


def outcomes(emulator: Emulator, provider: str = "dashscope") -> dict[str, int]:
    return emulator.counters().operations[f"{provider} result"].outcomes


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def spoil(emulator: Emulator, does: object, times: int | None = 1) -> None:
    emulator.set_faults([Fault(operation="result", does=does, times=times)])


@pytest.mark.parametrize("provider", Provider)
async def test_a_result_arrives_whole_and_is_fetched_once(run, finished, emulator, tmp_path, provider):
    attempt, over = await finished(provider)
    file = tmp_path / "result.mp4"
    assert await fetch(run, attempt, over, file) == sha256(file)
    assert file.read_bytes()[4:8] == b"ftyp"
    assert outcomes(emulator, provider) == {"200": 1}
    assert len(emulator.audit()) == 1


async def test_a_download_cut_off_goes_on_from_where_it_was(run, finished, recorder, tmp_path):
    content = bytes(range(256)) * 4000
    crc = {"x-oss-hash-crc64ecma": str(crc64.xz(content))}
    cuts = iter([1000, 300_000, 5000])

    def cut(asked: Asked) -> Reply:
        whole = part_of(content, asked, crc)
        return replace(whole, body=whole.body[: next(cuts, None)], announced=len(whole.body))

    recorder.reply = cut
    attempt, over = await finished()
    file = tmp_path / "result.mp4"
    assert await fetch(run, attempt, replace(over, result_url=recorder.url), file) == sha256(file)
    assert file.read_bytes() == content
    assert [asked.headers.get("range") for asked in recorder.asked] == [
        None,
        "bytes=1000-",
        "bytes=301000-",
        "bytes=306000-",
    ]


async def test_a_part_that_begins_elsewhere_is_not_taken_for_the_rest(run, finished, recorder, tmp_path):
    content = bytes(range(256)) * 4000
    wrong = iter([True])

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("range") and next(wrong, False):
            return Reply(206, content[7:], {"Content-Range": f"bytes 7-{len(content) - 1}/{len(content)}"})
        reply = part_of(content, asked, {})
        cut = None if len(recorder.asked) > 1 else 1000
        return replace(reply, body=reply.body[:cut], announced=len(reply.body))

    recorder.reply = answer
    attempt, over = await finished()
    file = tmp_path / "result.mp4"
    assert await fetch(run, attempt, replace(over, result_url=recorder.url), file) == sha256(file)
    assert file.read_bytes() == content


async def test_what_an_earlier_try_left_is_continued(run, finished, recorder, tmp_path):
    content = bytes(range(256)) * 4000
    recorder.serve(content)
    attempt, over = await finished()
    file = tmp_path / "result.mp4"
    file.write_bytes(content[:700_000])
    await fetch(run, attempt, replace(over, result_url=recorder.url), file)
    assert file.read_bytes() == content
    assert [asked.headers.get("range") for asked in recorder.asked] == ["bytes=700000-"]


@pytest.mark.parametrize("rest", [b"something else", b"x" * 50_000_000], ids=["short", "longer than the result"])
async def test_a_rest_of_another_file_is_found_out_and_replaced(run, finished, emulator, tmp_path, rest):
    attempt, over = await finished()
    whole = await fetch(run, attempt, over, tmp_path / "whole.mp4")
    file = tmp_path / "result.mp4"
    file.write_bytes(rest)
    assert await fetch(run, attempt, over, file) == whole == sha256(file)


@pytest.mark.parametrize(
    "does",
    [
        Reset(),
        Reset(when="after"),
        Answer(status=500),
        Answer(status=503, body="<html>"),
        File(how="short_length"),
        File(how="wrong_crc"),
        File(how="empty"),
        File(how="expired"),
        File(how="redirect"),
        File(how="slow", seconds=0.1),
    ],
    ids=str,
)
async def test_one_fault_on_the_way_loses_nothing(run, finished, emulator, tmp_path, does):
    attempt, over = await finished()
    whole = await fetch(run, attempt, over, tmp_path / "whole.mp4")
    spoil(emulator, does)
    assert await fetch(run, attempt, over, tmp_path / "result.mp4") == whole
    assert len(emulator.audit()) == 1


async def test_a_server_that_falls_silent_is_asked_again(run, finished, emulator, tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "STALL_SECONDS", 0.2)
    attempt, over = await finished()
    spoil(emulator, Hang())
    file = tmp_path / "result.mp4"
    assert await fetch(run, attempt, over, file) == sha256(file)


@pytest.mark.parametrize("provider", Provider)
async def test_a_link_that_no_longer_works_is_asked_for_anew(run, finished, emulator, tmp_path, provider):
    attempt, over = await finished(provider)
    emulator.advance(10)  # the gateway wants its polls apart
    stale = replace(over, result_url=over.result_url.replace("Signature=", "Signature=stale"))
    file = tmp_path / "result.mp4"
    assert await fetch(run, attempt, stale, file) == sha256(file)
    assert emulator.counters().operations[f"{provider} get"].received == 2


@pytest.mark.parametrize(("how", "said"), [("wrong_crc", "checksum"), ("short_length", "checksum"), ("empty", "empty")])
async def test_a_result_broken_at_its_source_is_told_so_and_not_kept(run, finished, emulator, tmp_path, how, said):
    attempt, over = await finished()
    spoil(emulator, File(how=how), times=None)
    file = tmp_path / "result.mp4"
    with pytest.raises(ResultBroken, match=said):
        await fetch(run, attempt, over, file)
    assert not file.exists()
    assert outcomes(emulator) == {"200": module.TRIES}


async def test_what_has_come_is_kept_for_the_next_run(run, finished, emulator, tmp_path):
    attempt, over = await finished()
    file = tmp_path / "result.mp4"
    cut = Fault(operation="result", does=File(how="truncated"), nth=[1])
    emulator.set_faults([cut, Fault(operation="result", does=Reset(), nth=list(range(2, 20)))])
    with pytest.raises(CallFailed) as caught:
        await fetch(run, attempt, over, file)
    assert caught.value.failure.cause is Cause.NO_ANSWER
    kept = file.read_bytes()
    assert kept[4:8] == b"ftyp"
    emulator.set_faults([])
    assert await fetch(run, attempt, over, file) == sha256(file)
    assert file.read_bytes().startswith(kept)


async def test_a_result_that_has_expired_is_forbidden_and_nothing_else_is_asked_for(run, finished, emulator, tmp_path):
    attempt, over = await finished()
    emulator.advance(25 * 3600)
    with pytest.raises(CallFailed) as caught:
        await fetch(run, attempt, over, tmp_path / "result.mp4")
    assert (caught.value.failure.cause, caught.value.failure.status) == (Cause.FORBIDDEN, 403)
    assert len(emulator.audit()) == 1


async def test_the_key_is_sent_to_no_host_that_a_result_may_be_at(run, finished, emulator, recorder, tmp_path):
    attempt, over = await finished()
    content = b"the video, at another host"
    recorder.serve(content)
    spoil(emulator, File(how="redirect", to=recorder.url))
    assert await fetch(run, attempt, over, tmp_path / "result.mp4") == hashlib.sha256(content).hexdigest()
    for asked in recorder.asked:
        assert not {"authorization", "x-dashscope-workspace", "cookie"} & set(asked.headers)


async def test_a_server_cannot_fill_the_disk(run, finished, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_RESULT_BYTES", 1_000_000)
    recorder.serve(bytes(10_000_000))
    attempt, over = await finished()
    with pytest.raises(ResultBroken, match="larger than any video"):
        await fetch(run, attempt, replace(over, result_url=recorder.url), tmp_path / "result.mp4")
    assert not (tmp_path / "result.mp4").exists()


async def test_a_result_is_never_whole_in_memory(run, finished, tmp_path):
    size = 48 * 1024 * 1024
    with (tmp_path / "large.mp4").open("wb") as large:
        large.truncate(size)
    attempt, over = await finished()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/large.mp4"
        tracemalloc.start()
        await fetch(run, attempt, replace(over, result_url=url), tmp_path / "result.mp4")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        server.shutdown()
    assert (tmp_path / "result.mp4").stat().st_size == size
    assert peak < size / 4
