"""Decides, from the provider's own list, whether a create without an answer made a provider task."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.rules.records import Intent

#: How far the provider's clock may be off from ours.
CLOCK_SKEW = timedelta(minutes=70)


@dataclass(frozen=True)
class Candidate:
    """A provider task from the list that no journal record names, with the prompt it echoes."""

    provider_task_id: str
    submitted_at: datetime
    prompt: str


@dataclass(frozen=True)
class Adopt:
    """Exactly this provider task is the answer to the create."""

    provider_task_id: str


@dataclass(frozen=True)
class NoneFound:
    """No provider task fits; it may still show up."""


@dataclass(frozen=True)
class Several:
    """More than one provider task, or more than one create, fits; a person must tell."""

    count: int


def in_window(intent: Intent, submitted_at: datetime, clock_scale: float) -> bool:
    """Whether a provider task can be the intent's by its time.

    An emulated provider's clock runs ahead of ours, so only a real one bounds the window above.
    """
    if submitted_at < intent.at - CLOCK_SKEW:
        return False
    return clock_scale != 1 or submitted_at <= intent.not_after + CLOCK_SKEW


def match(intent: Intent, candidates: Iterable[Candidate], rivals: Iterable[Intent]) -> Adopt | NoneFound | Several:
    """Returns which candidate answers an intent.

    The provider echoes the prompt but not the media, so equal prompts cannot be told apart while another create
    with the same prompt is unanswered too.

    Args:
        intent: The create without an answer.
        candidates: Unclaimed provider tasks of its account and model, in its window.
        rivals: Other creates of the same endpoint that have no answer either.
    """
    fitting = [candidate for candidate in candidates if _same(candidate.prompt, intent.job.prompt)]
    if not fitting:
        return NoneFound()
    alike = sum(_same(rival.job.prompt, intent.job.prompt) for rival in rivals)
    if len(fitting) == 1 and alike == 0:
        return Adopt(fitting[0].provider_task_id)
    return Several(max(len(fitting), alike + 1))


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())
