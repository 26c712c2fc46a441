"""`recut watch`: what is dropped is edited until somebody stops it; stopped or killed, the next one goes on."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from watchfiles import watch as changes

from deployments.emulator import Emulator, Fate, Fault
from tests.cli.recut import Done, Recut, Running
from tests.cli.shelf import Shelf

AN_HOUR = 3600.0


@pytest.fixture
def inbox(recut: Recut) -> Path:
    folder = recut.folder / "inbox"
    folder.mkdir()
    return folder


def drop(inbox: Path, shelf: Shelf, *numbers: int) -> None:
    """Drops clips with prompts of their own, each file whole and at once."""
    for number in numbers:
        for name, content in (
            (f"{number}.txt", f"Look {number}".encode()),
            (f"{number}.mp4", Path(shelf.file("clip.mp4")).read_bytes()),
        ):
            arriving = inbox / f"{name}.part"
            arriving.write_bytes(content)
            arriving.rename(inbox / name)


def watch(recut: Recut, **settings: str) -> Running:
    soon = {"RECUT_SETTLE_SECONDS": "0", "RECUT_INBOX_GRACE_SECONDS": "0"}
    return recut.start("watch", "inbox", **{**soon, **settings})


def stop_after(recut: Recut, running: Running, ended: int) -> Done:
    """Stops it with Ctrl-C once it is written down of so many drops that they are over, or held."""
    books = recut.results / ".recut" / "journal" / "inbox"
    await_files(recut.folder, lambda: len(told_of(books)) >= ended, running)
    running.send(signal.SIGINT)
    return running.done()


def told_of(books: Path) -> set[str]:
    """Returns the drops of which it is written down how they ended."""
    return {json.loads(record.read_text())["drop"] for record in books.glob("*.json")}


def await_files(folder: Path, there: Callable[[], bool], running: Running) -> None:
    """Waits until files are there, looking whenever the folder changes."""
    if there():
        return
    for _ in changes(folder, rust_timeout=1000, yield_on_timeout=True):
        if there():
            return
        assert running.process.poll() is None, running.done().said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a service's stop"])
def test_stopped_it_says_what_runs_on_and_the_next_one_finishes_it(
    recut: Recut, emulator: Emulator, shelf: Shelf, inbox: Path, number: signal.Signals
) -> None:
    emulator.set_faults([Fault(operation="create", does=Fate(ends="succeeded", run_seconds=AN_HOUR))])
    drop(inbox, shelf, 1, 2)
    running = watch(recut)
    running.until(emulator, status="RUNNING", count=2)
    running.send(number)
    done = running.done()
    assert done.code == 130
    assert "Watching inbox" in done.err
    assert "2 jobs may have a provider task that runs on and is paid for" in done.err
    assert "Run the same command again" in done.err
    emulator.set_faults([])
    emulator.advance(AN_HOUR)
    stop_after(recut, watch(recut), ended=2)
    assert len(emulator.audit()) == 2


def test_killed_half_way_it_pays_nothing_twice_and_loses_nothing(
    recut: Recut, emulator: Emulator, shelf: Shelf, inbox: Path
) -> None:
    drop(inbox, shelf, *range(8))
    running = watch(recut)
    running.until(emulator, operation="create", count=4)
    running.send(signal.SIGKILL)
    running.process.wait()
    stop_after(recut, watch(recut), ended=8)
    created = [task.prompt for task in emulator.audit()]
    published = len(list(recut.results.glob("*.mp4")))
    assert len(created) == len(set(created)) == published
    # What the kill left between its record and the provider's answer is held, and says so beside the clip.
    notes = [note.read_text() for note in inbox.glob("*.error.md")]
    assert published + len(notes) == 8
    assert all("recut resolve" in note for note in notes)


def test_a_drop_wakes_it_long_before_the_next_regular_look(
    recut: Recut, emulator: Emulator, shelf: Shelf, inbox: Path
) -> None:
    running = watch(recut, RECUT_INBOX_SECONDS="3600")
    drop(inbox, shelf, 0)
    assert "leaves nothing running at the provider" in stop_after(recut, running, ended=1).err


def test_a_bad_drop_is_told_beside_it_and_in_the_terminal_and_the_watch_goes_on(
    recut: Recut, emulator: Emulator, shelf: Shelf, inbox: Path
) -> None:
    running = watch(recut)
    (inbox / "bad.mp4").write_text("no video")
    await_files(inbox, (inbox / "bad.mp4.error.md").exists, running)
    drop(inbox, shelf, 0)
    done = stop_after(recut, running, ended=2)
    assert "bad.mp4: failed" in done.err
    assert "no instructions came with this clip" in (inbox / "bad.mp4.error.md").read_text()


def test_json_is_refused_since_there_is_no_end_to_tell_of(recut: Recut) -> None:
    done = recut("watch", "inbox", "--json")
    assert done.code == 2
    assert "recut status --json" in done.err
