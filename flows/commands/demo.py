"""`recut demo`: the sample clips through both models at both providers, offline."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from deployments.demo_provider import CLOCK_SCALE, SAMPLES, DemoProvider, demo_provider
from flows.commands.edit import batch_of
from flows.commands.messages import err, out
from flows.rules.job import HAPPYHORSE, WAN
from flows.running.settings import RunOptions, Settings

_KEY = "sk-recut-demo"


def run_demo(results: str | None, as_json: bool) -> int:
    """Edits the sample clips with the local provider; returns the command's exit code."""
    settings = Settings()
    folder = Path(settings.home).expanduser() / "demo"
    if not as_json:
        err.print("Starting a local provider and a local Prefect server; nothing leaves this machine.")
    with demo_provider(folder) as provider:
        _only_this(provider)
        manifest = folder / "manifest.jsonl"
        manifest.write_text("".join(f"{json.dumps(row)}\n" for row in _jobs(provider)))
        options = RunOptions(results=results)
        code = batch_of(str(manifest), options, as_json)
        if not as_json:
            _say_where(provider, results or settings.results)
    return code


def _jobs(provider: DemoProvider) -> list[dict[str, Any]]:
    """The demo's manifest: local files where a provider takes uploads, web addresses where it fetches."""
    clip, portrait, cat = "bigbuckbunny.mp4", "astronaut.png", "chelsea.png"
    return [
        {
            "name": "claymation",
            "provider": "dashscope",
            "model": WAN,
            "video": str(SAMPLES / clip),
            "prompt": "Turn the whole scene into claymation",
            "resolution": "720P",
        },
        {
            "name": "sunset",
            "provider": "dashscope",
            "model": HAPPYHORSE,
            "video": str(SAMPLES / clip),
            "prompt": "Bathe the meadow in a warm sunset; hang the picture in the corner",
            "reference_images": [str(SAMPLES / portrait)],
            "resolution": "720P",
            "audio_setting": "origin",
        },
        {
            "name": "pencil-square",
            "provider": "dashscope",
            "model": WAN,
            "video": str(SAMPLES / clip),
            "prompt": "Redraw it as a pencil sketch",
            "negative_prompt": "blur, low quality",
            "resolution": "720P",
            "ratio": "1:1",
            "duration": 3,
            "seed": 7,
        },
        {
            "name": "night",
            "provider": "apiyi",
            "model": HAPPYHORSE,
            "video": f"{provider.samples_url}/{clip}",
            "prompt": "Make it night, with the cat from the picture watching",
            "reference_images": [f"{provider.samples_url}/{cat}"],
        },
        {
            "name": "cartoon",
            "provider": "apiyi",
            "model": WAN,
            "video": f"{provider.samples_url}/{clip}",
            "prompt": "A flat cartoon with bold outlines",
            "reference_images": [f"{provider.samples_url}/{portrait}"],
        },
    ]


def _only_this(provider: DemoProvider) -> None:
    """Points every provider setting at the local one: a demo must not reach anybody's real account."""
    for name in ("DASHSCOPE_API_REGION", "DASHSCOPE_WORKSPACE_ID", "RECUT_CREDENTIALS", "RECUT_STORAGE"):
        os.environ.pop(name, None)
    os.environ |= {
        "DASHSCOPE_API_KEY": _KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{provider.url}/api/v1",
        "APIYI_API_KEY": _KEY,
        "APIYI_BASE_URL": provider.url,
        "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
    }


def _say_where(provider: DemoProvider, results: str) -> None:
    with urllib.request.urlopen(f"{provider.url}/_emulator/audit") as answer:  # noqa: S310 - our own loopback address
        books = len(json.load(answer))
    place = results if "://" in results else str(Path(results).expanduser().absolute())
    out.print(f"\nThe provider's own books show {books} paid creates since it started.")
    out.print(f"Results, sidecars and contact sheets: {place}")
    out.print(f"Gallery: {place}/gallery.html")
    out.print("Run it again: nothing is created twice. `recut ui` shows the runs in the Prefect UI.")
