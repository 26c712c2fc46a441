"""Renders the gallery: template, style and script as one file that asks nobody else for anything. Pure."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from flows.gallery import told, words
from flows.gallery.links import Place, origins
from flows.gallery.prints import Print, paid
from flows.gallery.remedies import remedies
from flows.rules.budget import Cost, total
from flows.telling.reports import JobReport


def render(prints: Sequence[Print], stopped: Sequence[JobReport], place: Place) -> str:
    """Returns the page: the same jobs always give the same text.

    Args:
        prints: Published results, in the order to show them.
        stopped: Jobs without a result.
        place: Where the page will stand.
    """
    style, script = _part("page.css") + _part("player.css"), _part("search.js") + _part("player.js")
    states = Counter([job.state for job in stopped])
    return _template().render(
        policy=_policy(style, script, origins(one.original for one in prints)),
        style=Markup(style),  # noqa: S704 - our own files, the same for every page
        script=Markup(script),  # noqa: S704
        told=told,
        prints=prints,
        stopped=stopped,
        seconds=words.length(sum(one.sidecar.result.duration_seconds for one in prints)),
        costs=total(paid(prints)),
        states=states,
        remedies=partial(remedies, place=place),
        currencies=sorted({cost.currency for cost in _costs(prints, stopped) if cost.amount is not None}),
        choices={
            "state": sorted({*states, *(["published"] if prints else [])}),
            "model": sorted({one.sidecar.model for one in prints} | {job.model for job in stopped}),
            "provider": sorted({one.sidecar.provider for one in prints} | {job.provider for job in stopped}),
        },
    )


def _costs(prints: Sequence[Print], stopped: Sequence[JobReport]) -> list[Cost]:
    return [*(told.cost(one.sidecar) for one in prints), *(job.cost for job in stopped)]


def _policy(style: str, script: str, clips: Sequence[str]) -> str:
    """Returns the content security policy: our own style and script, files beside the page, the clips' origins.

    ``file:`` is for browsers to which a page opened from disk has no ``'self'``, ``data:`` for the page's icon.
    """
    rules = {
        "default-src": ["'none'"],
        "style-src": [_digest(style)],
        "script-src": [_digest(script)],
        "img-src": ["'self'", "file:", "data:"],
        "media-src": ["'self'", "file:", *clips],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in rules.items())


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _part(name: str) -> str:
    return files("flows.gallery").joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html"))
