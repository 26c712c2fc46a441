"""A browser that visits galleries, and galleries of real videos on a disk, behind a web server and in a bucket."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import s3fs
import uvicorn
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from blocks.clients.store import Store
from flows.gallery import write_gallery
from flows.telling.reports import JobReport
from tests.browser import chromium
from tests.clips import make_clip, make_image
from tests.flows.gallery.samples import sidecar
from tests.s3 import S3Server


@dataclass
class Visit:
    """One look at a gallery, with all the browser asked for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def media(self, *endings: str) -> list[str]:
        """The files with these endings that were asked for."""
        return [url for url in self.requests if url.endswith(endings)]


Visitor = Callable[..., Visit]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For this package only: beside Playwright's loop, other tests could not run theirs."""
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visitor]:
    """Opens pages; none may complain, or ask for anything outside the folder above its own."""
    visits: list[tuple[Visit, str]] = []

    def opened(url: str, **context: Any) -> Visit:
        page = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | context)).new_page()
        page.set_default_timeout(10_000)
        look = Visit(page)
        page.on("request", lambda request: look.requests.append(request.url))
        page.on("console", lambda said: look.complaints.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: look.complaints.append(str(error)))
        page.on("dialog", lambda dialog: look.complaints.append(f"a dialog: {dialog.message}"))
        visits.append((look, url.rsplit("/", 2)[0]))
        page.goto(url)
        return look

    yield opened
    for look, home in visits:
        look.page.context.close()
        assert look.complaints == []
        assert [url for url in look.requests if not url.startswith((f"{home}/", "data:"))] == []


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Black clips and white results of several lengths, and a picture."""
    folder = tmp_path_factory.mktemp("footage")
    for name, seconds, filters in (
        ("clip", 4, []),
        ("result", 4, [("negate", "")]),
        ("short", 2, [("negate", "")]),
        ("long", 6, [("negate", "")]),
    ):
        make_clip(folder / f"{name}.mp4", seconds=seconds, width=320, height=180, picture="color", filters=filters)
    make_image(folder / "sheet.jpg", width=794, height=323)
    return folder


def publish_footage(store: Store, footage: Path, name: str, result: str = "result", **changes: Any) -> None:
    """Puts a result with its contact sheet and sidecar into a store."""
    store.publish(f"{name}.mp4", footage / f"{result}.mp4")
    store.publish(f"{name}.jpg", footage / "sheet.jpg")
    store.write(f"{name}.json", sidecar(name, **changes).model_dump_json().encode())


@pytest.fixture
def folder(tmp_path: Path, footage: Path) -> Store:
    """A results folder on this disk, with the clip beside it."""
    Store(str(tmp_path / "clips")).publish("clip.mp4", footage / "clip.mp4")
    return Store(str(tmp_path / "results"))


def clip_of(folder: Store) -> str:
    """The address of the clip beside it."""
    assert folder.local_root is not None
    return str(folder.local_root.parent / "clips" / "clip.mp4")


def shown(store: Store, *stopped: JobReport) -> str:
    """Writes the gallery of a folder on this disk and returns what to open."""
    return f"file://{write_gallery(store, stopped)}"


@pytest.fixture
def one(folder: Store, footage: Path) -> str:
    """The address of a gallery of one edit."""
    publish_footage(folder, footage, "edited", video=clip_of(folder))
    return shown(folder)


@pytest.fixture(params=["disk", "web server", "bucket"])
def gallery(request: pytest.FixtureRequest, tmp_path: Path, footage: Path) -> Iterator[str]:
    """The address of a gallery of one edit, wherever it stands."""
    if request.param == "bucket":
        bucket, s3 = request.getfixturevalue("bucket"), request.getfixturevalue("s3")
        home, url = bucket, f"{s3.url}/{bucket.removeprefix('s3://')}/results/gallery.html"
        _open_to_everyone(s3, bucket.removeprefix("s3://"))
    else:
        home, url = str(tmp_path), f"file://{tmp_path}/results/gallery.html"
    Store(f"{home}/clips").publish("clip.mp4", footage / "clip.mp4")
    results = Store(f"{home}/results")
    publish_footage(results, footage, "edited", video=f"{home}/clips/clip.mp4")
    write_gallery(results)
    if request.param != "web server":
        yield url
        return
    with _served(tmp_path) as server:
        yield f"{server}/results/gallery.html"


def _open_to_everyone(s3: S3Server, bucket: str) -> None:
    rule = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    s3fs.S3FileSystem(**s3.options).call_s3("put_bucket_policy", Bucket=bucket, Policy=policy)


class _served:  # noqa: N801 - reads as what it does
    """A web server that answers range requests, as any that plays video must."""

    def __init__(self, folder: Path) -> None:
        application = Starlette(routes=[Mount("/", StaticFiles(directory=folder))])
        self._server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error"))
        self._socket = self._server.config.bind_socket()
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
