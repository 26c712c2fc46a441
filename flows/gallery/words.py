"""How the gallery says numbers: moments, lengths, sizes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def utc(at: datetime) -> datetime:
    """Returns a moment in UTC; one without a zone is taken as UTC already."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def moment(at: datetime) -> str:
    """Returns a moment to the second."""
    return f"{utc(at):%Y-%m-%d %H:%M:%S} UTC"


def length(seconds: float) -> str:
    """Returns a length of time, exact to a tenth of a second below a minute."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(count: int) -> str:
    """Returns a number of bytes in decimal units."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB" if count else "0 bytes"
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.2f} GB"


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns a provider's names and values as people say them, sorted by name."""
    return [(name.replace("_", " "), _said(value)) for name, value in sorted(values.items())]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
