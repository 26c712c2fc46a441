"""A file is taken when it is whole, and a clip is given time for its instructions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.rules.drops import Drop, File, drops_of
from flows.rules.settling import Patience, Sighting, has_waited, is_alone, is_settled, sightings

ON_DISK = Patience(settle_seconds=5, grace_seconds=120, files_grow=True)
IN_A_BUCKET = Patience(settle_seconds=5, grace_seconds=120, files_grow=False)
TODAY = 1_800_000_000.0


def clip(size_bytes: int = 9, version: str = "v1", changed_at: float | None = TODAY) -> File:
    return File("a.mp4", size_bytes, version, changed_at)


def settled(patience: Patience, *looks: tuple[float, File]) -> bool:
    """Whether the last of these looks, at these seconds, finds the clip complete."""
    seen: dict[str, Sighting] = {}
    for at, file in looks:
        seen = sightings(seen, [file], at)
    at, file = looks[-1]
    return is_settled(the_drop(file), seen, patience, now=at, clock=TODAY + at)


def the_drop(*files: File) -> Drop:
    (drop,) = drops_of(files, {})
    return drop


def test_in_a_bucket_what_is_listed_is_whole() -> None:
    assert settled(IN_A_BUCKET, (0, clip()))


@pytest.mark.parametrize(
    ("looks", "whole"),
    [
        ([(0, clip())], False),
        ([(0, clip()), (4.9, clip())], False),
        ([(0, clip()), (5, clip())], True),
        ([(0, clip()), (5, clip(10))], False),
        ([(0, clip()), (4, clip(10, changed_at=TODAY + 4)), (8, clip(10, changed_at=TODAY + 4))], False),
        ([(0, clip()), (4, clip(version="v2")), (9, clip(version="v2"))], True),
        # Old by the storage's own word: one more look is enough, one alone is not.
        ([(0, clip(changed_at=TODAY - 60))], False),
        ([(0, clip(changed_at=TODAY - 60)), (0.1, clip(changed_at=TODAY - 60))], True),
        # A storage whose clock is ahead, or that tells no time: what is seen counts.
        ([(0, clip(changed_at=TODAY + 3600)), (4, clip(changed_at=TODAY + 3600))], False),
        ([(0, clip(changed_at=TODAY + 3600)), (5, clip(changed_at=TODAY + 3600))], True),
        ([(0, clip(changed_at=None)), (5, clip(changed_at=None))], True),
    ],
)
def test_on_a_disk_a_file_is_whole_when_it_stopped_changing(looks: list[tuple[float, File]], whole: bool) -> None:
    assert settled(ON_DISK, *looks) is whole


@given(st.lists(st.floats(0.01, 4.9), min_size=1, max_size=30))
def test_a_file_that_keeps_growing_is_never_whole(pauses: list[float]) -> None:
    at, looks = 0.0, []
    for size, pause in enumerate(pauses, start=1):
        at += pause
        looks.append((at, clip(size, f"v{size}", TODAY + at)))
    assert not settled(ON_DISK, *looks)


@pytest.mark.parametrize("patience", [ON_DISK, IN_A_BUCKET])
def test_an_empty_file_is_waited_for_as_long_as_anything_is(patience: Patience) -> None:
    empty = clip(0, changed_at=TODAY - 1000)
    assert not settled(patience, (0, empty), (119, empty))
    assert settled(patience, (0, empty), (120, empty))


def test_a_drop_is_settled_when_all_its_files_are() -> None:
    text = File("a.txt", 3, "v1", TODAY)
    drop = the_drop(clip(), text)
    seen = sightings(sightings({}, [clip()], 0), [clip(), text], 5)
    assert not is_settled(drop, seen, ON_DISK, now=5, clock=TODAY + 5)
    seen = sightings(seen, [clip(), text], 10)
    assert is_settled(drop, seen, ON_DISK, now=10, clock=TODAY + 10)


def test_a_drop_with_a_working_file_beside_it_is_not_settled() -> None:
    files = [clip(), File("a.mp4.aria2", 1, "v1")]
    assert not is_settled(the_drop(*files), sightings({}, files, 0), IN_A_BUCKET, now=0, clock=TODAY)


def test_grace_begins_again_with_every_file_that_comes() -> None:
    text = File("a.txt", 3, "v1", TODAY)
    seen = sightings({}, [clip()], 0)
    assert not has_waited(the_drop(clip()), seen, ON_DISK, now=119)
    assert has_waited(the_drop(clip()), seen, ON_DISK, now=120)
    seen = sightings(seen, [clip(), text], 100)
    assert not has_waited(the_drop(clip(), text), seen, ON_DISK, now=219)


def test_a_bare_clip_is_given_a_moment_for_its_instructions_also_in_a_bucket() -> None:
    seen = sightings({}, [clip()], 0)
    assert not is_alone(the_drop(clip()), seen, IN_A_BUCKET, now=4, clock=TODAY + 4)
    assert is_alone(the_drop(clip()), seen, IN_A_BUCKET, now=5, clock=TODAY + 5)
    assert is_alone(the_drop(clip()), seen, IN_A_BUCKET, now=0, clock=TODAY + 60)
