"""The transport: where the key goes, what is believed of an answer, and whether the bytes can have left."""

import asyncio
import contextlib
import gzip
import io
import socket
import zlib
from collections.abc import AsyncIterator

import pytest

from blocks.clients import transport
from blocks.clients.answers import MAX_ANSWER_BYTES
from blocks.clients.transport import CallFailed, Transport, download, send_form
from flows.rules.addresses import AddressRefused
from flows.rules.failures import Cause, Failure, Outcome, create_outcome
from tests.conftest import KEY
from tests.recorder import Recorder, Reply

pytestmark = pytest.mark.anyio

ENDLESS = b"{" + b" " * (2 * MAX_ANSWER_BYTES)


@pytest.fixture
async def api(recorder: Recorder) -> AsyncIterator[Transport]:
    opened = Transport(recorder.url, KEY)
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def transport_to(url: str) -> AsyncIterator[Transport]:
    opened = Transport(url, KEY)
    yield opened
    await opened.close()


@contextlib.contextmanager
def refused() -> contextlib.AbstractContextManager[list[Failure]]:
    """Collects the failure that the block must end with."""
    failures: list[Failure] = []
    with pytest.raises(CallFailed) as caught:
        yield failures
    failures.append(caught.value.failure)
    assert KEY not in str(caught.value) + caught.value.failure.model_dump_json()


@pytest.mark.parametrize("url", ["http://api.example", "ftp://127.0.0.1", "https://u:p@api.example", "https://x/?k=v"])
async def test_the_key_is_never_given_to_an_address_that_cannot_keep_it(url):
    with pytest.raises(AddressRefused):
        Transport(url, KEY)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", ["create", "read", "post"])
async def test_no_authorised_call_follows_a_redirect(recorder, api, status, call):
    with Recorder() as elsewhere:
        recorder.reply = lambda _: Reply(status, b"", {"Location": f"{elsewhere.url}/x"})
        with refused() as failures:
            await {
                "create": lambda: api.create("/c", {}, {}),
                "read": lambda: api.read("/r"),
                "post": lambda: api.post("/p"),
            }[call]()
        assert elsewhere.asked == []
    assert (failures[0].code, failures[0].status) == ("Redirected", status)
    assert "key is not sent after it" in failures[0].message


async def test_only_what_can_be_unpacked_is_asked_for(recorder, api):
    await api.create("/c", {}, {})
    await api.read("/r")
    assert [asked.headers["accept-encoding"] for asked in recorder.asked] == ["gzip", "gzip"]


@pytest.mark.parametrize("call", ["create", "read"])
@pytest.mark.parametrize("body", [ENDLESS, gzip.compress(ENDLESS)], ids=["plain", "packed"])
async def test_an_oversized_answer_is_not_kept(recorder, api, body, call):
    recorder.reply = lambda _: Reply(body=body)
    with refused() as failures:
        await (api.create("/c", {}, {}) if call == "create" else api.read("/r"))
    assert failures[0].cause is Cause.NONSENSE
    assert "too large" in failures[0].message


@pytest.mark.parametrize(
    "body",
    [
        b"\x1f\x8b broken",
        zlib.compress(b"{}"),
        b'{"output": 1, "output": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b"[1]",
        b"[" * 100_000,
        b"<html></html>",
        b"\xff\xfe",
        b"",
    ],
    ids=lambda body: str(body[:20]),
)
async def test_an_answer_that_readers_could_disagree_about_is_nonsense(recorder, api, body):
    recorder.reply = lambda _: Reply(body=body)
    with refused() as failures:
        await api.create("/c", {}, {})
    assert failures[0].cause is Cause.NONSENSE
    assert create_outcome(failures[0]) is Outcome.UNKNOWN


async def test_an_error_page_still_refuses_by_its_status(recorder, api):
    recorder.reply = lambda _: Reply(403, b"<html>Forbidden</html>")
    assert (await api.create("/c", {}, {})).status == 403
    recorder.reply = lambda _: Reply(502, b"<html>Bad gateway</html>", {"Retry-After": "3"})
    with refused() as failures:
        await api.create("/c", {}, {})
    assert (failures[0].cause, failures[0].retry_after_seconds) == (Cause.PROVIDER_FAULT, 3)


async def test_a_connection_that_cannot_be_made_sent_nothing():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with transport_to(f"http://127.0.0.1:{port}") as api:
        with refused() as failures:
            await api.create("/c", {}, {})
    assert failures[0].cause is Cause.NOT_SENT
    assert create_outcome(failures[0]) is Outcome.REFUSED


async def test_a_server_that_hangs_up_after_the_request_leaves_the_outcome_open():
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with transport_to(f"http://127.0.0.1:{port}") as api:
            with refused() as failures:
                await api.create("/c", {}, {})
    assert failures[0].cause is Cause.NO_ANSWER
    assert create_outcome(failures[0]) is Outcome.UNKNOWN


async def test_a_create_is_given_up_in_all_even_when_bytes_keep_dripping(monkeypatch):
    monkeypatch.setattr(transport, "CREATE_SECONDS", 0.3)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with transport_to(f"http://127.0.0.1:{port}") as api:
            with refused() as failures:
                await api.create("/c", {}, {})
    assert (failures[0].cause, failures[0].code) == (Cause.NO_ANSWER, "Timeout")


async def test_a_create_that_only_waited_behind_others_was_never_sent(recorder, monkeypatch):
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.1)
    everybody_asked, go_on = asyncio.Event(), asyncio.Event()
    asked = []

    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) == transport.CREATES_AT_ONCE:
            everybody_asked.set()
        await go_on.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer_late, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with transport_to(f"http://127.0.0.1:{port}") as api:
            first = [asyncio.create_task(api.create("/c", {}, {})) for _ in range(transport.CREATES_AT_ONCE)]
            await everybody_asked.wait()
            with refused() as failures:
                await api.create("/c", {}, {})
            go_on.set()
            assert [answer.status for answer in await asyncio.gather(*first)] == [200] * len(first)
    assert len(asked) == transport.CREATES_AT_ONCE
    assert failures[0].cause is Cause.NOT_SENT
    assert create_outcome(failures[0]) is Outcome.REFUSED


async def test_every_create_has_a_connection_of_its_own():
    connections = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"POST" in head:
                    await reader.readexactly(2)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with transport_to(f"http://127.0.0.1:{port}") as api:
            for _ in range(3):
                await api.create("/c", {}, {})
            assert len(connections) == 3
            for _ in range(3):
                await api.read("/r")
            assert len(connections) == 4


async def test_a_download_carries_no_key_and_follows_redirects_without_one(recorder):
    with Recorder() as elsewhere:
        elsewhere.serve(b"the video")
        recorder.reply = lambda _: Reply(302, b"", {"Location": f"{elsewhere.url}/video?Signature=a%2Fb%2B"})
        async with download(f"{recorder.url}/result?Signature=c%2Fd%3D", offset=4) as answer:
            content = b"".join([piece async for piece in answer.pieces])
        assert (answer.status, content) == (206, b"video")
        asked = [*recorder.asked, *elsewhere.asked]
    assert [one.path for one in asked] == ["/result?Signature=c%2Fd%3D", "/video?Signature=a%2Fb%2B"]
    for one in asked:
        assert one.headers["range"] == "bytes=4-"
        assert one.headers["accept-encoding"] == "identity"
        assert not {"authorization", "cookie"} & set(one.headers)


async def test_plain_http_results_are_fetched_by_https_except_from_this_machine(recorder):
    recorder.serve(b"the video")
    async with download(f"{recorder.url}/result.mp4") as answer:
        assert answer.status == 200
    hello = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.set_result(await reader.read(1))
        writer.close()

    # The system takes this address for loopback; by its name it is none.
    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with refused():
            async with download(f"http://0.0.0.0:{port}/result.mp4"):
                pass
    assert await hello == b"\x16"  # a TLS handshake, not "G"


@pytest.mark.parametrize("url", ["", "result.mp4", "ftp://127.0.0.1/x", "http://[::1", "https://"])
async def test_an_address_that_is_none_fails_like_any_download(url):
    with refused() as failures:
        async with download(url):
            pass
    assert failures[0].cause is Cause.NOT_SENT


async def test_redirects_in_a_circle_end(recorder):
    recorder.reply = lambda _: Reply(302, b"", {"Location": f"{recorder.url}/again"})
    with refused() as failures:
        async with download(f"{recorder.url}/result.mp4"):
            pass
    assert failures[0].cause is Cause.NO_ANSWER
    assert len(recorder.asked) == transport.MAX_REDIRECTS + 1


async def test_an_answer_to_a_form_that_never_ends_is_left_unread():
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"--\r\n")
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"x" * 100_000)
                await writer.drain()

    async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        status, text = await send_form(f"http://127.0.0.1:{port}", {"key": "k"}, "name", io.BytesIO(b"content"))
    assert status == 400
    assert len(text) < 2 * MAX_ANSWER_BYTES
