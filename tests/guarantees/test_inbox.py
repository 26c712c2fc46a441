"""Very many files dropped at once, and the watcher killed over them: every job once, every result published.

INBOX_DROPS changes how many; `INBOX_DROPS=1000` is the full length.
"""

import json
import os
import shutil
import time
from collections import Counter
from pathlib import Path

from watchfiles import watch as changes

from tests.guarantees.command import Team, Working
from tests.guarantees.evidence import assert_no_part_is_a_result

DROPS = int(os.environ.get("INBOX_DROPS", "60"))
#: Waits for nothing that may still come, and looks again soon.
SOON = {"RECUT_SETTLE_SECONDS": "0", "RECUT_INBOX_GRACE_SECONDS": "0", "RECUT_INBOX_SECONDS": "1"}
LONGEST_SECONDS = 3600
#: The watcher is killed when this share of all is created; then so many creates may be under way at most.
KILLED_AT = (0.2, 0.6)
AT_THAT_MOMENT = 7


def test_all_that_is_dropped_at_once_is_edited_once_though_the_watcher_is_killed(team: Team) -> None:
    began = time.monotonic()
    inbox, arriving = team.folder / "inbox", team.folder / "arriving"
    arriving.mkdir()
    for number in range(DROPS):
        shutil.copyfile(team.local_clip, arriving / f"clip-{number}.mp4")
        (arriving / f"clip-{number}.txt").write_text(f"look {number}")
    arriving.rename(inbox)  # all of them at the same instant

    for share in KILLED_AT:
        watching = start(team)
        team.emulator.wait(operation="create", count=int(DROPS * share), timeout=LONGEST_SECONDS)
        watching.stop()
    first, second = start(team), start(team)
    await_closed(team, first)
    peak = max(peak_mib(first), peak_mib(second))
    first.process.terminate()
    second.process.terminate()
    assert (first.done().code, second.done().code) == (130, 130)

    created = Counter(task.prompt for task in team.emulator.audit())
    held = len(list(inbox.glob("*.error.md")))  # a kill came between its record and the provider's answer
    assert max(created.values()) == 1
    assert len(created) == len(list(team.results.glob("*.mp4"))) == DROPS - held
    assert held <= len(KILLED_AT) * AT_THAT_MOMENT
    assert_no_part_is_a_result(team)
    seconds = time.monotonic() - began
    print(
        f"\n{DROPS} drops at once, 2 kills, then 2 watchers: {seconds:.0f} s, {len(created)} creates, "
        f"{held} held, peak memory {peak} MiB"
    )


def start(team: Team) -> Working:
    return team.start("watch", "inbox", **SOON)


def await_closed(team: Team, watching: Working) -> None:
    """Waits until of every drop it is written down that it is over, or held."""
    books = team.results / ".recut" / "journal" / "inbox"
    for _ in changes(team.folder, rust_timeout=1000, yield_on_timeout=True):
        if len({json.loads(record.read_text())["drop"] for record in books.glob("*.json")}) == DROPS:
            return
        assert watching.process.poll() is None, watching.done().said


def peak_mib(watching: Working) -> int:
    """Returns the most memory a process has had so far, in MiB."""
    status = Path(f"/proc/{watching.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024
