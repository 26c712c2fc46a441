"""A result goes to its storage while it arrives: nothing has its name early, and nothing wrong ever has it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastcrc import crc64

from blocks.clients.backends.multipart import LEAST_BYTES, PART_BYTES
from blocks.clients.store import Store
from flows.transfer.arrival import STEP_BYTES, Arrival
from flows.transfer.sending import Sending, sending
from tests.s3 import S3Server

pytestmark = pytest.mark.anyio

PIECE = bytes(range(256)) * 16 * 1024  # 4 MiB
PIECES = 3 * PART_BYTES // len(PIECE) + 1
FILE = "a.mp4"


@pytest.fixture(params=["bucket", "tmp_path"], ids=["s3", "disk"])
def store(request: pytest.FixtureRequest) -> Store:
    return Store(f"{request.getfixturevalue(request.param)}/results")


@pytest.fixture
def in_bucket(bucket: str) -> Store:
    return Store(f"{bucket}/results")


async def pieces(sent: Sending, count: int = PIECES) -> AsyncIterator[bytes]:
    """Comes slowly enough for what goes on beside to keep up."""
    for _ in range(count):
        yield PIECE
        await sent._aside.end()


def begun(s3: S3Server) -> int:
    return len([seen for seen in s3.seen if seen.method == "POST" and "uploads" in seen.query])


def parts(s3: S3Server) -> int:
    return len([put for put in s3.puts(FILE) if "partNumber" in put.query])


def aborted(s3: S3Server) -> int:
    return len([seen for seen in s3.seen if seen.method == "DELETE" and "uploadId" in seen.query])


async def test_a_result_sent_ahead_has_its_name_only_when_it_is_finished(store: Store, tmp_path: Path):
    file = tmp_path / "result.mp4"
    async with sending(store.ahead(FILE, file, {"recut-job-key": "k1"})) as sent:
        await Arrival(file, sent).take(pieces(sent), 10**9)
        assert store.names("") == []
        assert await sent.finish()
    assert store.read(FILE) == file.read_bytes() == PIECE * PIECES
    assert store.names("") == [FILE]


async def test_most_of_a_result_is_in_its_bucket_when_its_last_byte_comes(in_bucket: Store, s3: S3Server, tmp_path):
    file = tmp_path / "result.mp4"
    async with sending(in_bucket.ahead(FILE, file, {"recut-job-key": "k1"})) as sent:
        await Arrival(file, sent).take(pieces(sent), 10**9)
        assert parts(s3) == 3
        assert await sent.finish()
    assert (begun(s3), parts(s3), aborted(s3)) == (1, 4, 0)
    assert in_bucket.info(FILE)["ContentType"] == "video/mp4"


async def test_a_small_result_is_not_sent_in_parts(in_bucket: Store, s3: S3Server, tmp_path):
    file = tmp_path / "result.mp4"
    async with sending(in_bucket.ahead(FILE, file)) as sent:
        await Arrival(file, sent).take(pieces(sent, LEAST_BYTES // len(PIECE) - 1), 10**9)
        assert not await sent.finish()
    assert begun(s3) == 0


async def test_a_beginning_that_proved_wrong_is_never_finished(in_bucket: Store, s3: S3Server, tmp_path):
    file = tmp_path / "result.mp4"
    async with sending(in_bucket.ahead(FILE, file)) as sent:
        arrival = Arrival(file, sent)
        await arrival.take(pieces(sent), 10**9)
        await arrival.drop()
        assert not file.exists()
        file.write_bytes(b"right" + PIECE * PIECES)
        assert not await sent.finish()
    assert aborted(s3) == 1
    assert in_bucket.names("") == []


async def test_a_bucket_that_stumbles_costs_being_early_and_nothing_else(in_bucket: Store, s3: S3Server, tmp_path):
    file = tmp_path / "result.mp4"
    s3.fail("denied", times=40, method="PUT", path=FILE)
    async with sending(in_bucket.ahead(FILE, file)) as sent:
        await Arrival(file, sent).take(_all(), 10**9)
        assert not await sent.finish()
    s3.forgive()
    assert aborted(s3) == 1
    assert in_bucket.names("") == []


async def test_a_run_that_is_stopped_takes_back_what_it_sent(in_bucket: Store, s3: S3Server, tmp_path):
    file, under_way = tmp_path / "result.mp4", asyncio.Event()

    async def persist() -> None:
        async with sending(in_bucket.ahead(FILE, file)) as sent:
            await Arrival(file, sent).take(pieces(sent), 10**9)
            under_way.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(persist())
    await under_way.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert aborted(s3) == 1


async def test_a_file_is_digested_while_it_arrives_also_in_two_goes(tmp_path: Path):
    file = tmp_path / "result.mp4"
    file.write_bytes(b"what an earlier try left")
    arrival = Arrival(file, None)
    for _ in range(2):
        await arrival.take(_all(STEP_BYTES // len(PIECE) + 1), 10**9)
    digest, content = await arrival.digest(), file.read_bytes()
    assert digest.size == len(content)
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.crc64 == crc64.xz(content)


async def _all(count: int = PIECES) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE
        await asyncio.sleep(0)
