"""A look tells what is complete and new from what still arrives, waits, is over, or is in trouble."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.clients.store import Store
from flows.inbox.books import Books
from flows.inbox.listing import Inbox, open_inbox
from flows.inbox.looking import Looker
from flows.inbox.notes import Notes
from flows.rules.drop_ends import Done, Remedy, trouble
from flows.rules.settling import Patience
from flows.running.places import Places

A_LONG_TIME = 1e9


class Desk:
    """An inbox on disk with whoever looks into it; what a look finds is told by name."""

    def __init__(self, folder: Path, prompt: str | None, **patience: Any) -> None:
        results = Store(str(folder / "results"))
        self.folder = folder / "inbox"
        self.inbox: Inbox = open_inbox(str(self.folder), Places(results, results.below("journal")), prompt)
        self.books = Books(results.below("journal"))
        said = {"settle_seconds": 0, "grace_seconds": A_LONG_TIME, "files_grow": True, **patience}
        notes = Notes(self.inbox.store)
        self._looker = Looker(self.inbox, self.books, notes, results.below("journal"), Patience(**said))
        self.identities: dict[str, str] = {}

    def drop(self, name: str, content: str = "x") -> None:
        self.inbox.store.write(name, content.encode())

    def look(self, begun: frozenset[str] = frozenset()) -> tuple[list[str], bool]:
        """Returns the names of the drops to be taken in, and whether something is waited for."""
        look = self._looker.look(begun)
        self.identities |= {found.drop.name: found.identity for found in look.found}
        return [found.drop.name for found in look.found], look.waits


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "the deployment's own prompt")


def test_a_complete_drop_is_found_until_it_is_begun_or_over(desk: Desk) -> None:
    desk.drop("a.mp4")
    desk.drop("a.txt")
    assert desk.look() == (["a.mp4"], False)
    assert desk.look() == (["a.mp4"], False)
    identity = desk.identities["a.mp4"]
    assert desk.look(frozenset({identity})) == ([], False)
    desk.books.close([identity], Done(drop="a.mp4", at=datetime.now(UTC), edits=[]))
    assert desk.look() == ([], False)
    desk.drop("a.mp4", "new content")
    assert desk.look() == (["a.mp4"], False)


def test_what_another_watcher_wrote_down_counts(desk: Desk, tmp_path: Path) -> None:
    desk.drop("a.mp4")
    desk.drop("a.txt")
    desk.look()
    other = Desk(tmp_path, None)
    other.books.close([desk.identities["a.mp4"]], Done(drop="a.mp4", at=datetime.now(UTC), edits=[]))
    assert desk.look() == ([], False)


def test_a_file_that_still_arrives_is_waited_for(desk: Desk) -> None:
    desk.drop("a.mp4.part")
    desk.drop("a.mp4", "")
    desk.drop("a.txt")
    assert desk.look() == ([], True)
    desk.inbox.store.remove("a.mp4.part")
    desk.drop("a.mp4")
    assert desk.look() == (["a.mp4"], False)


def test_a_file_that_was_just_written_is_looked_at_twice(tmp_path: Path) -> None:
    desk = Desk(tmp_path, None, settle_seconds=1e-6)
    desk.drop("a.mp4")
    desk.drop("a.txt")
    assert desk.look() == ([], True)
    assert desk.look() == (["a.mp4"], False)


def test_a_bare_clip_waits_for_its_prompt_and_then_goes_without(tmp_path: Path) -> None:
    desk = Desk(tmp_path, None)
    desk.drop("a.mp4")
    assert desk.look() == ([], True)
    desk.drop("a.txt")
    assert desk.look() == (["a.mp4"], False)
    assert Desk(tmp_path, None, grace_seconds=0).look() == (["a.mp4"], False)


def test_clips_named_by_a_manifest_are_its_own_and_those_missing_are_waited_for(desk: Desk) -> None:
    desk.drop("a.mp4")
    desk.drop("list.jsonl", "\n".join(json.dumps({"video": video, "prompt": "p"}) for video in ("a.mp4", "sub/b.mp4")))
    assert desk.look() == ([], True)
    desk.drop("sub/b.mp4")
    assert desk.look() == (["list.jsonl"], False)


def test_no_clip_is_taken_for_a_bare_one_while_a_manifest_is_not_readable_yet(desk: Desk) -> None:
    desk.drop("a.mp4")
    desk.drop("list.jsonl", "")
    assert desk.look() == ([], True)


def test_fields_wait_for_the_pictures_they_name(desk: Desk) -> None:
    desk.drop("a.mp4")
    desk.drop("a.yaml", "reference_images: [coat.png]")
    assert desk.look() == ([], True)
    desk.drop("coat.png")
    assert desk.look() == (["a.mp4"], False)


def test_a_job_folder_waits_for_its_clip(desk: Desk) -> None:
    desk.drop("x/job.yaml", "prompt: p")
    assert desk.look() == ([], True)
    desk.drop("x/a.mp4")
    assert desk.look() == (["x/job.yaml"], False)


def test_a_drop_in_trouble_is_left_alone_until_it_or_what_it_names_changes(desk: Desk) -> None:
    desk.drop("a.mp4")
    desk.drop("a.yaml", "reference_images: [coat.png]")
    desk.drop("coat.png", "no picture")
    desk.look()
    versions = {file.name: f"{file.version}#{file.size_bytes}" for file in desk.inbox.files()}
    known = {"held": {}, "named": {"coat.png": versions["coat.png"]}}
    now = datetime.now(UTC)
    desk.books.keep(desk.identities["a.mp4"], trouble("a.mp4", Remedy.CHANGE, [], before=None, now=now, **known))
    assert desk.look() == ([], False)
    desk.drop("coat.png", "a picture")
    assert desk.look() == (["a.mp4"], False)


def test_a_trouble_that_passes_is_due_after_its_pause(desk: Desk) -> None:
    desk.drop("a.mp4")
    desk.drop("a.txt")
    desk.look()
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    passed = trouble("a.mp4", Remedy.TIME, [], before=None, now=an_hour_ago, held={}, named={})
    desk.books.keep(desk.identities["a.mp4"], passed)
    assert desk.look() == (["a.mp4"], False)


def test_a_pipe_is_no_drop(desk: Desk) -> None:
    os.mkfifo(desk.folder / "a.mp4")
    desk.drop("b.mp4")
    desk.drop("b.txt")
    assert desk.look() == (["b.mp4"], False)


def test_the_same_folder_is_told_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "results")
    results = Store(str(tmp_path / "results"))
    places = Places(results, results.below(".recut/journal"))
    with pytest.raises(ValueError, match="each result would be a new drop"):
        open_inbox(str(tmp_path / "link"), places, None)
    assert open_inbox(str(tmp_path), places, None).ours == ("results", "results/.recut/journal")


def test_a_bucket_tells_versions_and_times(bucket: str, tmp_path: Path) -> None:
    results = Store(str(tmp_path))
    inbox = open_inbox(f"{bucket}/in box/", Places(results, results.below("journal")), None)
    inbox.store.write("a b.mp4", b"one")
    (one,) = inbox.files()
    inbox.store.write("a b.mp4", b"two")
    (two,) = inbox.files()
    assert (one.name, one.size_bytes, inbox.files_grow) == ("a b.mp4", 3, False)
    assert one.version != two.version
    assert one.changed_at is not None and abs(one.changed_at - datetime.now(UTC).timestamp()) < 3600
