"""What is told of one result, in words for people, from its sidecar. Pure."""

from flows.gallery import words
from flows.gallery.links import shown
from flows.rules.budget import Cost
from flows.rules.sidecar import ResultFacts, Sidecar

#: A label and what it says.
Line = tuple[str, str]


def cost(card: Sidecar) -> Cost:
    """Returns what was billed, or the estimate when the provider reported no bill."""
    return card.cost or card.estimate


def edge(made: ResultFacts) -> str:
    """Returns the format of a result in one line, which breaks between its parts only."""
    parts = (
        f"{made.width} × {made.height}",
        words.length(made.duration_seconds),
        f"{made.frame_rate:g} fps",
        made.codec,
        "sound" if made.has_audio else "no sound",
        words.size(made.size_bytes),
    )
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def facts(card: Sidecar) -> list[Line]:
    """Returns what is told at first sight."""
    ran = card.timings.run_seconds
    return [
        ("Model", card.model),
        ("Provider", f"{card.provider}, {card.region}"),
        ("Cost", str(cost(card))),
        *([("Ran", words.length(ran))] if ran is not None else []),
        ("Published", words.moment(card.timings.published_at)),
    ]


def provenance(card: Sidecar) -> list[tuple[str, list[Line]]]:
    """Returns everything else, in groups with a heading."""
    return [("Asked for", _asked(card)), ("Paid", _paid(card)), ("When", _when(card)), ("Known as", _known(card))]


def _asked(card: Sidecar) -> list[Line]:
    return [
        ("Clip", shown(card.video)),
        *[("Reference image", shown(address)) for address in card.reference_images],
        *([("Negative prompt", card.negative_prompt)] if card.negative_prompt else []),
        *words.pairs(card.parameters),
    ]


def _paid(card: Sidecar) -> list[Line]:
    return [
        ("Estimated", str(card.estimate)),
        ("Billed", str(card.cost) if card.cost else "the provider reported no bill"),
        *words.pairs(card.usage),
    ]


def _when(card: Sidecar) -> list[Line]:
    at = card.timings
    moments = [
        ("Intended", at.intent_at),
        ("Submitted", at.submitted_at),
        ("Started", at.started_at),
        ("Ended", at.ended_at),
    ]
    return [(name, words.moment(when)) for name, when in moments if when is not None]


def _known(card: Sidecar) -> list[Line]:
    return [
        ("Provider task", card.provider_task_id),
        *([("Request", card.request_id)] if card.request_id else []),
        ("Account", card.account),
        ("Job key", card.job_key),
        ("Take", str(card.take)),
        ("SHA-256", card.result.sha256),
        ("Made by", card.made_by),
    ]
