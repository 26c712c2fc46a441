"""Makes what the gallery shows of each job, from its sidecar or from the report of a run. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flows.gallery import words
from flows.gallery.links import Original, Place, original, relative, shown
from flows.reports import JobReport
from flows.rules.budget import Cost
from flows.rules.sidecar import Sidecar
from flows.rules.states import JobState

Line = tuple[str, str]


@dataclass(frozen=True)
class Print:
    """One published result.

    Attributes:
        name: Name of the result, without ending.
        sidecar: What is known of it.
        result: Link to the video; None when the file is no longer there.
        sheet: Link to the contact sheet, if there is one.
        page: Link to the sidecar.
        original: How the page can play the clip, if it can.
    """

    name: str
    sidecar: Sidecar
    result: str | None
    sheet: str | None
    page: str
    original: Original | None

    @property
    def cost(self) -> Cost:
        """What was billed, or the estimate when the provider reported no bill."""
        return self.sidecar.cost or self.sidecar.estimate

    @property
    def edge(self) -> str:
        """What stands at the edge of the print: the result's format."""
        made = self.sidecar.result
        sound = "sound" if made.has_audio else "no sound"
        return (
            f"{made.width} × {made.height} · {words.length(made.duration_seconds)} · {made.frame_rate:g} fps"
            f" · {made.codec} · {sound} · {words.size(made.size_bytes)}"
        )

    @property
    def facts(self) -> list[Line]:
        """What is told at first sight."""
        card = self.sidecar
        ran = card.timings.run_seconds
        return [
            ("Model", card.model),
            ("Provider", f"{card.provider}, {card.region}"),
            ("Cost", str(self.cost)),
            *([("Ran", words.length(ran))] if ran is not None else []),
            ("Published", words.moment(card.timings.published_at)),
        ]

    @property
    def provenance(self) -> list[tuple[str, list[Line]]]:
        """Everything else, in groups with a heading."""
        card = self.sidecar
        at = card.timings
        asked = [
            ("Clip", shown(card.video)),
            *[("Reference image", shown(address)) for address in card.reference_images],
            *([("Negative prompt", card.negative_prompt)] if card.negative_prompt else []),
            *[(name, words.value(value)) for name, value in sorted(card.parameters.items())],
        ]
        moments = [
            ("Intended", at.intent_at),
            ("Submitted", at.submitted_at),
            ("Started", at.started_at),
            ("Ended", at.ended_at),
        ]
        paid = [
            ("Estimated", str(card.estimate)),
            ("Billed", str(card.cost) if card.cost else "the provider reported no bill"),
            *[(f"usage: {name}", words.value(value)) for name, value in sorted(card.usage.items())],
        ]
        known = [
            ("Provider task", card.provider_task_id),
            *([("Request", card.request_id)] if card.request_id else []),
            ("Account", card.account),
            ("Job key", card.job_key),
            ("Take", str(card.take)),
            ("SHA-256", card.result.sha256),
            ("Made by", card.made_by),
        ]
        return [
            ("Asked for", asked),
            ("Paid", paid),
            ("When", [(name, words.moment(when)) for name, when in moments if when is not None]),
            ("Known as", known),
        ]


def make_prints(sidecars: Mapping[str, Sidecar], files: Collection[str], place: Place) -> list[Print]:
    """Returns the prints of all results, the newest first.

    Args:
        sidecars: Sidecars by their file name, relative to the gallery.
        files: Names of all files beside the gallery: nothing else is linked.
        place: Where the gallery stands.
    """
    prints = [_print(file, sidecar, files, place) for file, sidecar in sidecars.items()]
    prints.sort(key=lambda one: one.name)
    prints.sort(key=lambda one: words.utc(one.sidecar.timings.published_at), reverse=True)
    return prints


def _print(file: str, sidecar: Sidecar, files: Collection[str], place: Place) -> Print:
    # A copy of a result has another name than its sidecar tells; what lies beside the sidecar is what is meant.
    name = file.removesuffix(".json")

    def link(ending: str) -> str | None:
        return relative(name + ending) if name + ending in files else None

    return Print(
        name=name,
        sidecar=sidecar,
        result=link(".mp4"),
        sheet=link(".jpg"),
        page=relative(file),
        original=original(sidecar.video, place),
    )


def still_stopped(stopped: Iterable[JobReport], prints: Sequence[Print]) -> list[JobReport]:
    """Returns the reports of jobs that have no result to show: a result that is there is the newer truth."""
    there = {one.sidecar.job_key for one in prints if one.result}
    return [job for job in stopped if job.state is not JobState.PUBLISHED and job.job_key not in there]


def paid(prints: Iterable[Print]) -> list[Cost]:
    """Returns what was paid, once per provider task: copies of a result cost nothing."""
    return list({(one.sidecar.provider, one.sidecar.provider_task_id): one.cost for one in prints}.values())
