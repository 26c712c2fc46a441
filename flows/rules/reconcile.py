"""Decides, from the provider's own list, whether a create without an answer made a provider task."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.rules.records import Endpoint, Intent

#: How far the provider's clock may be off from ours.
CLOCK_SKEW = timedelta(minutes=70)


@dataclass(frozen=True)
class Lost:
    """A create without an answer: sent after its intent was written, and certainly over by ``until``."""

    intent: Intent
    until: datetime


@dataclass(frozen=True)
class Candidate:
    """A provider task from the list that no journal record names, with the prompt it echoes, None for no echo."""

    provider_task_id: str
    submitted_at: datetime
    prompt: str | None


@dataclass(frozen=True)
class Anchor:
    """An answered create: ties the provider's clock to ours, whatever either shows.

    Attributes:
        before: Our time before it was sent.
        after: Our time after its answer came.
        submitted_at: The provider's time of it.
    """

    before: datetime
    after: datetime
    submitted_at: datetime


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


def may_share_a_list(one: Endpoint, other: Endpoint) -> bool:
    """Whether provider tasks of two endpoints may stand in one list.

    One account has many keys, and several hosts lead to it: neither a different key nor a different host proves
    another account. A different model does prove another list, and so does another region under another host.
    """
    same_place = one.region == other.region or one.base_url == other.base_url
    return (one.provider, one.model) == (other.provider, other.model) and same_place


def could_be(intent: Intent, prompt: str | None, submitted_at: datetime | None) -> bool:
    """Whether a provider task that a person names can be the intent's: what it shows must not speak against it.

    Args:
        intent: The create without an answer.
        prompt: The prompt the provider task echoes, None for no echo. A cut-off one still speaks for it.
        submitted_at: When the provider took it in, None where it does not tell.
    """
    wanted = _words(intent.job.prompt)
    fits = prompt is None or (wanted.startswith(_words(prompt)) if prompt else not wanted)
    return fits and (submitted_at is None or submitted_at >= intent.at - CLOCK_SKEW)


def match(
    lost: Lost, candidates: Iterable[Candidate], rivals: Iterable[Lost], anchors: Iterable[Anchor] = ()
) -> Adopt | NoneFound | Several:
    """Returns which candidate answers a create.

    The provider echoes the prompt but not the media. Equal prompts are told apart by order: what was answered
    before this create was sent, or sent after it was over, bounds its time on the provider's own clock. What is
    still open to another unanswered create is nobody's. A provider task without an echo, as failed ones are, may be
    anybody's; beside the one that echoes this very prompt it is somebody else's.

    Args:
        lost: The create without an answer.
        candidates: Unclaimed provider tasks of its account and model, in its window.
        rivals: Other creates that have no answer either, and may stand in the same list.
        anchors: Answered creates of the same account.
    """
    anchors = list(anchors)
    fitting = [candidate for candidate in candidates if _fits(lost, candidate, anchors)]
    if not fitting:
        return NoneFound()
    echoing = [candidate for candidate in fitting if candidate.prompt is not None]
    if not echoing:
        return Several(len(fitting))
    contesting = sum(any(_fits(rival, candidate, anchors) for candidate in echoing) for rival in rivals)
    if len(echoing) == 1 and contesting == 0:
        return Adopt(echoing[0].provider_task_id)
    return Several(max(len(fitting), contesting + 1))


def _fits(lost: Lost, candidate: Candidate, anchors: Iterable[Anchor]) -> bool:
    echo = candidate.prompt
    if echo is not None and _words(echo) != _words(lost.intent.job.prompt):
        return False
    for anchor in anchors:
        if anchor.after < lost.intent.at and candidate.submitted_at < anchor.submitted_at:
            return False
        if anchor.before > lost.until and candidate.submitted_at > anchor.submitted_at:
            return False
    return True


def _words(prompt: str) -> str:
    """Returns a prompt as it can be compared: providers change its white space."""
    return " ".join(prompt.split())
