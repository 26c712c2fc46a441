"""Reading bodies without trusting their labels."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.clients.answers import MAX_ANSWER_BYTES, inflated, json_object, retry_after


@given(content=st.binary(max_size=2_000).filter(lambda content: content[:2] != b"\x1f\x8b"))
def test_plain_bodies_stay_and_packed_ones_are_unpacked(content):
    assert inflated(content) == content
    assert inflated(gzip.compress(content)) == content


def test_a_packed_answer_that_would_fill_the_memory_is_refused():
    bomb = gzip.compress(bytes(MAX_ANSWER_BYTES + 1))
    assert len(bomb) < 10_000
    with pytest.raises(ValueError, match="too large"):
        inflated(bomb)


def test_the_largest_answer_is_still_read_and_one_byte_more_is_not():
    assert len(inflated(gzip.compress(bytes(MAX_ANSWER_BYTES)))) == MAX_ANSWER_BYTES
    assert len(inflated(bytes(MAX_ANSWER_BYTES))) == MAX_ANSWER_BYTES
    with pytest.raises(ValueError, match="too large"):
        inflated(bytes(MAX_ANSWER_BYTES + 1))


def test_broken_compression_is_an_unreadable_answer():
    with pytest.raises(ValueError, match="compression is broken"):
        inflated(b"\x1f\x8b\x08" + bytes(range(50)))


def test_a_packed_answer_cut_off_is_no_json():
    whole = gzip.compress(json.dumps({"output": {"task_id": "x" * 1_000}}).encode())
    with pytest.raises(json.JSONDecodeError):
        json_object(inflated(whole[: len(whole) // 2]))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"{}", {}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": {"b": "日本"}}'.encode(), {"a": {"b": "日本"}}),
        (b' {"a": [{"b": 1}, {"b": 2}]}\n', {"a": [{"b": 1}, {"b": 2}]}),
    ],
)
def test_json_objects_are_read(content, value):
    assert json_object(content) == value


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b'"text"', b"1", b"<html>502 Bad Gateway</html>", b'{"a": 1', b'{"a": 1} x', b"\xff\xfe\xfa"],
)
def test_anything_else_is_an_unreadable_answer(content):
    with pytest.raises(ValueError, match=r"."):
        json_object(content)


@pytest.mark.parametrize(
    "content", [b'{"task_id": "a", "task_id": "b"}', b'{"output": {"task_id": "a", "x": 1, "task_id": "a"}}']
)
def test_a_key_given_twice_makes_an_answer_unreadable_since_readers_could_differ(content):
    with pytest.raises(ValueError, match="'task_id' twice"):
        json_object(content)


@given(content=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_value_error(content):
    try:
        assert isinstance(json_object(inflated(content)), dict)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("5", 5),
        (" 1.5 ", 1.5),
        ("", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Fri, 20 Nov 1998 12:00:00 GMT", None),
        ("Fri, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_a_wait_is_read_from_seconds_and_nonsense_is_none(value, seconds):
    assert retry_after({"retry-after": value}) == seconds


def test_a_wait_is_read_from_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert retry_after({"retry-after": later}) == pytest.approx(3_600, abs=60)


def test_without_the_header_no_wait_is_asked():
    assert retry_after({"content-type": "application/json"}) is None
