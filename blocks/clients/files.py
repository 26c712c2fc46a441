"""What storages say of a file, each in its own words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def changed_at(info: Mapping[str, Any]) -> float | None:
    """Returns when a file last changed, in seconds since the epoch; None where its storage does not tell."""
    told = (info.get(key) for key in ("mtime", "LastModified", "updated", "created"))
    moments = [moment.timestamp() if isinstance(moment, datetime) else moment for moment in told]
    return max((float(moment) for moment in moments if isinstance(moment, int | float)), default=None)
