"""What a test needs of its machine: missing, it is said and passed over, or fails where nothing may be left out."""

import os
from typing import NoReturn

import pytest


def without(missing: str) -> NoReturn:
    """Ends the test; where RECUT_TESTS_NEED_EVERYTHING is set, as continuous integration does, by a failure."""
    if os.environ.get("RECUT_TESTS_NEED_EVERYTHING"):
        pytest.fail(missing)
    pytest.skip(missing)
