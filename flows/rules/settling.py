"""When a file of an inbox is complete, and how long a clip waits for its instructions. Time is passed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flows.rules.drops import Drop, File


@dataclass(frozen=True)
class Patience:
    """How long to wait before something is taken for what it seems.

    Attributes:
        settle_seconds: A file that may grow is complete when it has not changed for so long.
        grace_seconds: A clip waits so long for instructions, a manifest for its clips, and an empty file for content:
            some programs make the name first.
        files_grow: Whether a listed file may still grow: not in object storages, where one appears whole.
    """

    settle_seconds: float
    grace_seconds: float
    files_grow: bool


@dataclass(frozen=True)
class Sighting:
    """A file as it was seen.

    Attributes:
        file: What was seen.
        since: When it was first seen like this, seconds of a clock that never goes back.
        looks: How often it was seen like this.
    """

    file: File
    since: float
    looks: int = 1


def sightings(before: Mapping[str, Sighting], files: Iterable[File], now: float) -> dict[str, Sighting]:
    """Returns what is known of the files of a listing after one more look.

    Args:
        before: What was known after the look before.
        files: What is listed now.
        now: Seconds of a clock that never goes back.
    """
    seen = {}
    for file in files:
        last = before.get(file.name)
        same = last is not None and last.file == file
        seen[file.name] = Sighting(file, last.since, last.looks + 1) if last and same else Sighting(file, now)
    return seen


def is_settled(drop: Drop, seen: Mapping[str, Sighting], patience: Patience, *, now: float, clock: float) -> bool:
    """Whether all files of a drop are complete.

    A file is, when it has not changed for long enough, either before our eyes or by the storage's own word and over
    two looks: a copy that keeps the original's times would look old from its first byte.

    Args:
        drop: The drop.
        seen: What is known of the files.
        patience: How long to wait.
        now: Seconds of a clock that never goes back.
        clock: The present by the wall clock, seconds since the epoch.
    """
    return not drop.arriving and all(_is_whole(seen[file.name], patience, now=now, clock=clock) for file in drop.files)


def has_waited(drop: Drop, seen: Mapping[str, Sighting], patience: Patience, *, now: float) -> bool:
    """Whether a drop has been as it is for so long that what it lacks will not come any more."""
    return now - max(seen[file.name].since for file in drop.files) >= patience.grace_seconds


def is_alone(drop: Drop, seen: Mapping[str, Sighting], patience: Patience, *, now: float, clock: float) -> bool:
    """Whether a bare clip has been there for long enough that the deployment's own prompt is meant for it."""
    seconds = patience.settle_seconds
    return all(_age(seen[file.name], now=now, clock=clock) >= seconds for file in drop.files)


def _is_whole(sighting: Sighting, patience: Patience, *, now: float, clock: float) -> bool:
    if sighting.file.size_bytes == 0:
        return now - sighting.since >= patience.grace_seconds
    if not patience.files_grow or patience.settle_seconds == 0:
        return True
    return sighting.looks > 1 and _age(sighting, now=now, clock=clock) >= patience.settle_seconds


def _age(sighting: Sighting, *, now: float, clock: float) -> float:
    """Returns for how long a file has been as it is, in seconds: as seen, or as the storage says."""
    told = clock - sighting.file.changed_at if sighting.file.changed_at is not None else 0.0
    return max(now - sighting.since, told)
