"""Puts together what the gallery shows: results with their links, jobs without a result, and the sum. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flows.gallery import told, words
from flows.gallery.links import Original, Place, original, relative
from flows.rules.budget import Cost
from flows.rules.sidecar import Sidecar
from flows.rules.states import JobState
from flows.telling.reports import JobReport


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
    cards = [one.sidecar for one in prints]
    return list({(card.provider, card.provider_task_id): told.cost(card) for card in cards}.values())
