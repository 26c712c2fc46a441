"""Which moments people mean."""

from datetime import UTC, datetime, timedelta

import pytest

from flows.rules.standing import moment

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "ago"),
    [
        ("30m", timedelta(minutes=30)),
        ("6h", timedelta(hours=6)),
        (" 2 d ", timedelta(days=2)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_so_long_ago_counts_from_now(said, ago):
    assert moment(said, NOW) == NOW - ago


def test_a_moment_with_a_zone_is_that_moment():
    assert moment("2026-11-20T14:00:00+02:00", NOW) == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_date_is_its_first_moment_here():
    assert moment("2026-11-20", NOW) == datetime(2026, 11, 20).astimezone()


@pytest.mark.parametrize("said", ["", "yesterday", "6", "h", "-2d", "2026-13-01", "\x1b[2J"])
def test_anything_else_is_refused_with_examples(said):
    with pytest.raises(ValueError, match="is no moment; say 2026-11-20"):
        moment(said, NOW)
