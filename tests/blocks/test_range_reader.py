"""Reading a file on the web by pieces: only what is needed, and never more trust than its server deserves."""

import io
import random

import pytest

from blocks.clients.range_reader import RangeReader
from tests.recorder import Asked, Recorder, Reply, part_of

PIECE = RangeReader.PIECE_BYTES
CONTENT = random.Random(1).randbytes(3 * PIECE + 100)


def test_only_the_pieces_that_are_read_are_fetched(recorder):
    recorder.serve(CONTENT, ETag='"v1"')
    with RangeReader(recorder.url) as reader:
        assert (reader.size, reader.headers["etag"]) == (len(CONTENT), '"v1"')
        assert reader.read(10) == CONTENT[:10]
        reader.seek(-100, io.SEEK_END)
        assert reader.read(100) == CONTENT[-100:]
        assert reader.read(1) == b""
        reader.seek(5)
        reader.seek(5, io.SEEK_CUR)
        assert (reader.tell(), reader.read(3)) == (10, CONTENT[10:13])
    assert [asked.headers["range"] for asked in recorder.asked] == [
        f"bytes=0-{PIECE - 1}",
        f"bytes={3 * PIECE}-{4 * PIECE - 1}",
    ]
    for asked in recorder.asked:
        assert asked.headers["accept-encoding"] == "identity"
        assert "authorization" not in asked.headers


def test_a_whole_file_is_read_as_it_is_across_all_pieces(recorder):
    recorder.serve(CONTENT)
    with io.BufferedReader(RangeReader(recorder.url), 1000) as reader:
        assert reader.read() == CONTENT
    assert len(recorder.asked) == 4


def test_a_redirect_is_followed(recorder):
    with Recorder() as elsewhere:
        elsewhere.serve(CONTENT)
        recorder.reply = lambda _: Reply(302, b"", {"Location": f"{elsewhere.url}/clip.mp4"})
        with RangeReader(recorder.url) as reader:
            assert reader.read(5) == CONTENT[:5]


def test_an_empty_file_is_empty_and_no_error(recorder):
    recorder.serve(b"")
    with RangeReader(recorder.url) as reader:
        assert (reader.size, reader.read(10)) == (0, b"")


def test_a_small_file_may_come_from_a_server_without_ranges(recorder):
    recorder.reply = lambda _: Reply(body=b"a small picture")
    with RangeReader(recorder.url) as reader:
        assert (reader.size, reader.read(100)) == (15, b"a small picture")


def test_a_web_page_is_told_by_its_headers(recorder):
    recorder.reply = lambda _: Reply(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"})
    with RangeReader(recorder.url) as reader:
        assert reader.headers["content-type"] == "text/html"


def test_a_large_file_from_a_server_without_ranges_is_fetched_once(recorder):
    recorder.reply = lambda _: Reply(body=CONTENT)
    with RangeReader(recorder.url) as reader:
        reader.seek(-100, io.SEEK_END)
        assert reader.read(100) == CONTENT[-100:]
        reader.seek(0)
        assert b"".join(iter(lambda: reader.read(PIECE), b"")) == CONTENT
    assert len(recorder.asked) == 1


def test_a_file_no_model_takes_is_not_loaded_from_a_server_without_ranges(recorder):
    recorder.reply = lambda _: Reply(body=b"the beginning", announced=RangeReader.MAX_WHOLE_BYTES + 1)
    with pytest.raises(OSError, match="larger than any model takes"):
        RangeReader(recorder.url)


def test_pieces_beyond_what_is_kept_are_fetched_again(recorder, monkeypatch):
    monkeypatch.setattr(RangeReader, "PIECES_KEPT", 1)
    recorder.serve(CONTENT)
    with RangeReader(recorder.url) as reader:
        for offset in (0, PIECE, 0):
            reader.seek(offset)
            assert reader.read(3) == CONTENT[offset : offset + 3]
    assert len(recorder.asked) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_refusal_gives_the_status(recorder, status):
    recorder.reply = lambda _: Reply(status, b"<Error/>")
    with pytest.raises(OSError, match=f"the server answered {status}"):
        RangeReader(recorder.url)


@pytest.mark.parametrize("total", ["*", "many"])
def test_a_server_that_does_not_say_the_size_is_refused(recorder, total):
    recorder.reply = lambda _: Reply(206, b"abc", {"Content-Range": f"bytes 0-2/{total}"})
    with pytest.raises(OSError, match="does not say how large"):
        RangeReader(recorder.url)


def test_a_part_that_does_not_say_which_one_it_is_is_refused(recorder):
    recorder.reply = lambda _: Reply(206, b"abc")
    with pytest.raises(OSError, match="does not say how large"):
        RangeReader(recorder.url)


def test_nobody_there_is_an_error_of_the_file():
    with Recorder() as gone:
        pass
    with pytest.raises(OSError, match="cannot be fetched"):
        RangeReader(gone.url)


@pytest.mark.parametrize("url", ["clip.mp4", "http://[::1", "ftp://127.0.0.1/a"])
def test_an_address_that_is_none_is_an_error_of_the_file(url):
    with pytest.raises(OSError, match="cannot be fetched"):
        RangeReader(url)


def test_a_connection_cut_in_the_middle_of_a_piece_is_an_error_of_the_file(recorder):
    recorder.reply = lambda _: Reply(206, b"abc", {"Content-Range": "bytes 0-999/1000"}, announced=1000)
    with pytest.raises(OSError, match="cannot be fetched"):
        RangeReader(recorder.url)


def test_a_piece_shorter_than_announced_is_never_taken_for_the_end(recorder):
    recorder.reply = lambda _: Reply(206, b"abc", {"Content-Range": "bytes 0-2/1000"})
    with RangeReader(recorder.url) as reader:
        assert reader.read(1000) == b"abc"
        with pytest.raises(OSError, match="less than it announced"):
            reader.read(1)


def test_another_part_than_the_one_asked_for_is_refused(recorder):
    def always_the_beginning(asked: Asked) -> Reply:
        return part_of(CONTENT, Asked("GET", "/", {"range": f"bytes=0-{PIECE - 1}"}, b""), {})

    recorder.reply = always_the_beginning
    with RangeReader(recorder.url) as reader:
        reader.seek(2 * PIECE)
        with pytest.raises(OSError, match="another part"):
            reader.read(10)


def test_a_file_that_changes_while_it_is_read_is_refused(recorder):
    recorder.serve(CONTENT)
    with RangeReader(recorder.url) as reader:
        recorder.serve(CONTENT + b"more")
        reader.seek(2 * PIECE)
        with pytest.raises(OSError, match="changed"):
            reader.read(10)
