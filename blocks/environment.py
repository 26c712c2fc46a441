"""Environment variables, read in one way."""

import os


def environment(name: str) -> str | None:
    """Returns an environment variable without surrounding space, None when unset or empty."""
    return os.environ.get(name, "").strip() or None
