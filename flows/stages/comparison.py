"""Compares a result with the clip it was made from: a contact sheet of both, and what is worth a look."""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from blocks.clients.store import Store
from flows.media import Samples, Verification, contact_sheet, open_film, quality_notes, samples_of
from flows.planning.sources import open_medium
from flows.rules.addresses import printable
from flows.rules.records import Intent

#: Edits of one clip mostly end one after another; a clip's samples take a few megabytes.
_CLIPS_KEPT = 4


def compared(
    intent: Intent, verified: Verification, title: str, known: Sequence[Store]
) -> tuple[bytes | None, list[str]]:
    """Draws the contact sheet and looks for oddities; whatever they fail of, the paid result is published.

    Args:
        intent: What was asked for.
        verified: The result.
        title: Headline of the sheet.
        known: Stores whose credentials may open the clip.

    Returns:
        The sheet, None when none could be drawn, and the oddities. Without the clip, the sheet shows the result alone.
    """
    after = verified.samples
    if after is None:
        return None, ["no contact sheet could be drawn"]
    try:
        clip = _clip(intent, after, known)
        sheet = contact_sheet(clip[0] if clip else None, after, title=title)
        if clip is None:
            return sheet, []
        before, was_silent = clip
        silenced, marked = verified.is_silent and not was_silent, bool(intent.parameters.get("watermark"))
        return sheet, quality_notes(before, after, silenced=silenced, may_be_marked=marked)
    except Exception:
        return None, ["no contact sheet could be drawn"]


def _clip(intent: Intent, after: Samples, known: Sequence[Store]) -> tuple[Samples, bool] | None:
    """Returns how the clip looks at the moments of the result, and whether it is silent; None when it is gone."""
    address = intent.job.video
    with suppress(Exception):
        return _looked_at(address, intent.media.get(printable(address)), tuple(after.moments), tuple(known))
    return None


@lru_cache(maxsize=_CLIPS_KEPT)
def _looked_at(
    address: str, _identity: str | None, moments: Sequence[float], known: Sequence[Store]
) -> tuple[Samples, bool]:
    with open_medium(address, known) as clip, open_film(clip.stream) as film:
        return samples_of(film, moments), film.is_silent()
