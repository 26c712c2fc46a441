"""Whatever prompts, names and providers say, the terminal only shows it."""

import os
import pty
import re
import unicodedata

import pytest

from deployments.emulator import Answer, Emulator, Fate, Fault
from tests.cli.recut import COMMAND, Done, Recut
from tests.cli.shelf import Shelf

#: Clear the screen, set the title, go up, red, right-to-left, zero width, bell, a link, rich's own markup.
EVIL = "\x1b[2J\x1b]0;owned\x07\x1b[1A\x1b[31mred\x1b[0m \u202egnp.exe\u202c \u200b \x9b2J [bold red]x[/] [/] \r\n end"
#: What rich itself sends: colours, moving within its live display, hiding the cursor meanwhile.
OWN_SEQUENCES = re.compile(r"\x1b\[(\d+(;\d+)*m|\?25[lh]|[12]K|1A|0m)|\r|\n")


@pytest.fixture
def manifest(recut: Recut, emulator: Emulator, shelf: Shelf) -> str:
    """Jobs whose prompts and names do their worst, at a provider whose refusals do too."""
    emulator.set_faults(
        [
            Fault(operation="create", prompt="refuse", does=Answer(status=400, code=f"Bad{EVIL}", message=EVIL)),
            Fault(
                operation="create", prompt="fail", does=Fate(ends="failed", code="DataInspectionFailed", message=EVIL)
            ),
        ]
    )
    job = {"video": shelf.file("clip.mp4"), "resolution": "720P"}
    return recut.write(
        "jobs.jsonl",
        [
            job | {"prompt": f"{EVIL} {'very long ' * 300}", "name": "[bold red]long[/bold red] \u202egnp\u2066"},
            job | {"prompt": f"refuse {EVIL}", "name": "refused [/]"},
            job | {"prompt": f"fail {EVIL}", "name": f"{'n' * 190}"},
        ],
    )


def harmful(text: str) -> set[str]:
    """Returns the characters that could steer a terminal."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"}


def test_plain_output_holds_no_character_that_steers(recut: Recut, manifest: str) -> None:
    done = recut("batch", manifest)
    assert done.code == 1
    assert harmful(done.said) == set()
    assert "[bold red]long[/bold red]" in done.out
    assert "✗ refused [/]  failed" in done.out
    for command in ("plan", "status"):
        told = recut(command, *([manifest] if command == "plan" else []))
        assert (told.code, harmful(told.said)) == (0, set())


def test_refusals_show_what_was_found_without_obeying_it(recut: Recut, shelf: Shelf) -> None:
    rows = [
        {"video": f"{EVIL}.mp4", "prompt": "x"},
        {"video": shelf.file("clip.mp4"), "name": EVIL},
        {"video": shelf.file("clip.mp4"), "ratio": EVIL, EVIL: 1},
        {"video": f"ftp\u202e://{EVIL.replace(chr(13), '').replace(chr(10), '')}"},
        {"video": "\u202egnp.mp4", "model": EVIL, "name": "\u202egnp"},
    ]
    done = recut("batch", recut.write("jobs.jsonl", rows))
    assert done.code == 2
    assert harmful(done.said) == set()
    assert harmful(recut("batch", f"{EVIL}.csv").said) == set()
    assert harmful(recut("resolve", EVIL, "--abandon").said) == set()


def test_json_keeps_the_text_and_escapes_what_steers(recut: Recut, manifest: str) -> None:
    done = recut("batch", manifest, "--json")
    assert done.code == 1
    assert harmful(done.out) == set()
    assert done.json["jobs"][0]["name"] == "[bold red]long[/bold red] \u202egnp\u2066"
    assert "\x1b" in done.json["jobs"][1]["error"]["message"]


def test_a_terminal_receives_nothing_but_recuts_own_drawing(recut: Recut, manifest: str) -> None:
    done = in_terminal(recut, "batch", manifest)
    assert done.code == 1
    assert harmful(OWN_SEQUENCES.sub("", done.out)) == set()
    assert "\x1b[2J" not in done.out
    assert max(len(line) for line in OWN_SEQUENCES.sub("\n", done.out).splitlines()) < 3000


def in_terminal(recut: Recut, *arguments: str) -> Done:
    """Runs the command in a terminal of 80 columns and returns all it sent there."""
    environment = {**recut.environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    pid, terminal = pty.fork()
    if pid == 0:  # the command's own process
        os.chdir(recut.folder)
        os.execve(COMMAND, [str(COMMAND), *arguments], environment)
    sent = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        sent += part
    os.close(terminal)
    return Done(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), sent.decode(), "")
