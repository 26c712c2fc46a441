"""A real browser for tests of what people look at: any Chromium of this machine, without a window."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.needed import without

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts it once for many tests; nothing asynchronous may run beside it in the same process."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        without(f"no Chromium on the PATH (looked for {', '.join(_NAMES)})")
    # Containers mostly forbid what its sandbox needs, and all it opens here is our own.
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found, args=["--no-sandbox"]) as browser,
    ):
        yield browser


def eventually(page: Page, condition: str) -> None:
    """Waits until a JavaScript expression holds, looking at every frame; works under a strict content policy."""
    page.evaluate(
        f"new Promise(done => {{ const look = () => ({condition}) ? done() : requestAnimationFrame(look); look() }})"
    )
