"""Reads what an API answered, trusting neither its labels nor its shape."""

import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

#: Answers of the APIs are a few kilobytes; anything near this is not one of them.
MAX_ANSWER_BYTES = 4 * 1024 * 1024


def inflated(raw: bytes) -> bytes:
    """Unpacks gzip where the bytes really are gzip: a gateway labels plain bodies so.

    Raises:
        ValueError: The compression is broken, or the answer is larger than `MAX_ANSWER_BYTES`.
    """
    if len(raw) > MAX_ANSWER_BYTES:
        raise ValueError("it is too large")
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        plain = zlib.decompressobj(wbits=31).decompress(raw, MAX_ANSWER_BYTES + 1)
    except zlib.error as error:
        raise ValueError("its compression is broken") from error
    if len(plain) > MAX_ANSWER_BYTES:
        raise ValueError("it is too large")
    return plain


def json_object(content: bytes) -> dict[str, Any]:
    """Returns the JSON object of a body.

    Raises:
        ValueError: It is not JSON, no object, or holds a key twice, so that readers could disagree about it.
    """
    value = json.loads(content, object_pairs_hook=_no_key_twice)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - one kind of error for every unreadable answer
    return value


def _no_key_twice(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"it holds {twice!r} twice")
    return dict(pairs)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the wait a server asks for in seconds, given as seconds or as a date, or None."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if 0 <= seconds < float("inf") else None
