"""The media the commands are tried with: good ones, and one of every kind that is refused."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.clips import MOTIONLESS, cut_off, make_clip, make_image

_still = functools.partial(make_clip, picture=MOTIONLESS, audio=False)


class Shelf:
    """Media on disk, and the same on a web server that serves parts of files."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def web(self, name: str) -> str:
        return f"{self.url}/{name}"


@contextmanager
def open_shelf(folder: Path) -> Iterator[Shelf]:
    """Makes the media and serves them."""
    make_clip(folder / "clip.mp4")
    _still(folder / "upright.mov", seconds=4, width=360, height=640)
    make_image(folder / "coat.png")
    make_image(folder / "hat.jpg", width=400, height=400)
    make_image(folder / "bag.webp", width=500, height=600)
    _make_bad_ones(folder)
    routes = [Route("/page.mp4", lambda _: HTMLResponse("<h1>Sign in</h1>")), Mount("/", StaticFiles(directory=folder))]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_config=None, access_log=False))
    listener = server.config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield Shelf(folder, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _make_bad_ones(folder: Path) -> None:
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("This is no video.\n" * 100)
    cut_off(_still(folder / "truncated.mp4"))
    _still(folder / "tiny.mp4", width=176, height=144)
    _still(folder / "short.mp4", seconds=1)
    _still(folder / "minute.mp4", seconds=61, fps=8)
    _still(folder / "twelve.mp4", seconds=12)
    _still(folder / "ribbon.mp4", width=2250, height=250)
    make_image(folder / "glass.png", alpha=True)
    make_image(folder / "old.bmp")
