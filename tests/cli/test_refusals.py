"""Bad input is refused as a whole before anything is uploaded or created, with every problem named."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployments.emulator import Emulator
from tests.cli.conftest import At
from tests.cli.recut import Done, Recut
from tests.cli.shelf import Shelf

HORSE = "happyhorse-1.0-video-edit"


@dataclass(frozen=True)
class Bad:
    """A row that is refused.

    Attributes:
        row: The row, media by the names on the shelf: `web:` for its web address.
        told: What is said of it.
    """

    row: dict[str, Any]
    told: tuple[str, ...]


def bad(*told: str, video: str = "clip.mp4", **row: Any) -> Bad:
    return Bad({"video": video, "prompt": "Make it night", **row}, told)


BAD = {
    "a missing file": bad("video: ", "nowhere.mp4 does not exist", video="nowhere.mp4"),
    "an empty file": bad("video: it is empty", video="empty.mp4"),
    "a text that is called a clip": bad("video: it is a text file", video="text.mp4"),
    "a truncated clip": bad("video: the file ends early", video="truncated.mp4"),
    "a clip of too few pixels": bad("video: is 176x144 pixels", "at least 240", video="tiny.mp4"),
    "a clip of one second": bad("video: lasts 1 s", "at least 2 s", video="short.mp4"),
    "a clip of a minute and more": bad("video: lasts 61 s", "up to 60 s", video="minute.mp4", model=HORSE),
    "a clip too long for Wan": bad("video: lasts 12 s", "up to 10 s", video="twelve.mp4"),
    "a ribbon of a clip": bad("video: has an aspect ratio of 2250:250 (9:1)", "8:1 at most", video="ribbon.mp4"),
    "a picture one can see through": bad("reference_images[1]: has an alpha channel", reference_images=["glass.png"]),
    "a picture of an old format": bad("reference_images[1]: is bmp", model=HORSE, reference_images=["old.bmp"]),
    "six pictures": bad("reference_images: 6 images", "up to 5", model=HORSE, reference_images=["coat.png"] * 6),
    "no picture where one is needed": bad(
        "reference_images: none given", "at least 1", video="web:clip.mp4", provider="apiyi"
    ),
    "a prompt that would be cut": bad("prompt: has 5,001 characters", "5,000", prompt="x" * 5001),
    "no prompt where one is needed": bad("prompt: is empty", model=HORSE, prompt=" "),
    "an unknown parameter": bad("sharpness: unknown column", "remove it", sharpness=3),
    "a misspelt parameter": bad("watermarks: unknown column", "did you mean 'watermark'?", watermarks=True),
    "a parameter of the other model": bad(
        "ratio: happyhorse-1.0-video-edit on dashscope has no such parameter", model=HORSE, ratio="16:9"
    ),
    "a negative prompt where none is taken": bad("negative_prompt: ", "takes none", model=HORSE, negative_prompt="red"),
    "an unknown ratio": bad("ratio: is '2:1'", "'16:9'", ratio="2:1"),
    "a seed below zero": bad("seed: is -1", "from 0 to 2147483647", seed=-1),
    "a duration of one second": bad("duration: is 1", "from 2 to 10", duration=1),
    "a duration beyond the clip": bad("duration: 9 s is longer than the clip's 3", duration=9),
    "an unknown model": bad("model: ", "'sora-2'", "wan2.7-videoedit", model="sora-2"),
    "an unknown provider": bad("provider: is 'openai'", "'dashscope' or 'apiyi'", provider="openai"),
    "a name that leaves the results": bad("name: is '../elsewhere'", name="../elsewhere"),
    "a name that moves the cursor": bad(r"name: is 'up\x1b[1A'", "control characters", name="up\x1b[1A"),
    "a name": bad(name="twin"),
    "the same name again": bad("name: 'Twin' is already the name of row 28", name="Twin"),
    "a clip by ftp": bad("video: ftp:// is not supported", video="ftp://example.com/clip.mp4"),
    "a folder by file://": bad("video: ", "is a folder", video="file:///"),
    "an address that answers 404": bad("video: ", "answered 404 Not Found", video="web:gone.mp4"),
    "a web page that is called a clip": bad("video: ", video="web:page.mp4"),
    "a local file where none is taken": bad(
        "video: apiyi fetches media itself", "public http(s) URL", provider="apiyi", reference_images=["web:coat.png"]
    ),
    "no clip at all": Bad({"prompt": "Make it night"}, ("video: is missing",)),
}


@dataclass(frozen=True)
class Refusal:
    """What became of a manifest with all of them."""

    done: Done
    rows: dict[str, str]
    operations: dict[str, Any]


@pytest.fixture(scope="module")
def refusal(at: At, shelf: Shelf, _running_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Refusal:
    """Runs one batch of all bad rows, with good ones before and after, and looks at the provider's counters."""
    recut = at(tmp_path_factory.mktemp("refusals"))

    def place(name: str) -> str:
        if name.startswith("web:"):
            return shelf.web(name.removeprefix("web:"))
        return name if "://" in name else shelf.file(name)

    rows = [dict(each.row) for each in BAD.values()]
    for row in rows:
        row |= {"video": place(row["video"])} if "video" in row else {}
        row |= {"reference_images": [place(name) for name in row.get("reference_images", [])]}
    good = {"video": shelf.file("clip.mp4"), "prompt": "Make it night"}
    _running_emulator.reset()
    done = recut("batch", recut.write("jobs.jsonl", [*rows, good]))
    told = [part.strip() for part in done.err.split("✗ ")[1:]]
    return Refusal(done, dict(zip(_rows_named(told), told, strict=True)), _running_emulator.counters().operations)


def _rows_named(told: list[str]) -> list[str]:
    names = list(BAD)
    return [names[int(text.removeprefix("row ").split()[0]) - 1] for text in told]


@pytest.mark.parametrize("what", [what for what, each in BAD.items() if each.told])
def test_the_row_and_what_was_found_in_it_are_named(refusal: Refusal, what: str) -> None:
    said = refusal.rows[what]
    number = list(BAD).index(what) + 1
    assert said.startswith(f"row {number} (line {number})")
    assert all(words in said for words in BAD[what].told), said


def test_all_problems_of_all_rows_are_told_at_once_and_no_other(refusal: Refusal) -> None:
    assert set(refusal.rows) == {what for what, each in BAD.items() if each.told}
    assert refusal.done.code == 2
    assert refusal.done.out == ""
    assert refusal.done.err.endswith("recut: refused; nothing was uploaded or created.\n")


def test_the_provider_was_not_asked_for_anything(refusal: Refusal) -> None:
    assert refusal.operations == {}


def test_several_problems_of_one_row_are_told_together(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    row = {"video": shelf.file("tiny.mp4"), "seed": -1, "reference_images": [shelf.file("glass.png")] * 4}
    done = recut("batch", recut.write("jobs.jsonl", [row]), "--json")
    assert done.code == 2
    fields = [problem["field"] for problem in done.json["jobs"][0]["problems"]]
    assert fields == ["seed", "reference_images", "video", *(f"reference_images[{n}]" for n in (1, 2, 3, 4))]
    assert emulator.counters().operations == {}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("jobs.csv", 'video,prompt\nclip.mp4,"night', "jobs.csv: line 2: not valid CSV"),
        ("jobs.csv", "video,promt\nclip.mp4,night\n", "line 1: unknown column 'promt' (did you mean 'prompt'?)"),
        ("jobs.csv", "video,prompt\nclip.mp4,night,again\n", "row 1 (line 2)\n    row: has 3 cells, the header has 2"),
        ("jobs.csv", "", "line 1: the CSV header is missing"),
        ("jobs.jsonl", '\n{"video": "clip.mp4"\n', "row 1 (line 2)\n    row: is not valid JSON"),
        ("jobs.jsonl", '["clip.mp4"]\n', "row 1 (line 1)\n    row: is not a mapping"),
        ("jobs.jsonl", '{"video": "a.mp4", "video": "b.mp4"}\n', "'video' is given twice"),
        ("jobs.jsonl", "\n\n", "the manifest holds no jobs"),
        ("jobs.yaml", "jobs:\n  - video: [clip.mp4\n", "not valid YAML"),
        ("jobs.yaml", "jobs:\n  - video: a\n    video: b\n", "line 3: not valid YAML: 'video' is given twice"),
        ("jobs.yaml", "tasks: []\n", "unknown key 'tasks' at the top"),
        ("jobs.json", "{", "not valid JSON"),
        ("jobs.txt", "clip.mp4", ".txt is no manifest format; use .jsonl"),
        ("jobs.csv", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "unknown column"),
    ],
)
def test_a_malformed_manifest_is_refused_with_the_line(
    recut: Recut, emulator: Emulator, name: str, content: str, told: str
) -> None:
    done = recut("batch", recut.write(name, content))
    assert done.code == 2
    assert told in done.err
    assert emulator.counters().operations == {}


def test_a_manifest_that_is_no_text_is_refused(recut: Recut, shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_bytes((shelf.folder / "coat.png").read_bytes())
    done = recut("batch", "jobs.csv")
    assert (done.code, done.err) == (2, "recut: jobs.csv is not UTF-8 text (byte 0)\n")


@pytest.mark.parametrize(("manifest", "told"), [("nowhere.csv", "nowhere.csv does not exist"), (".", "cannot read")])
def test_a_manifest_that_is_not_there_is_refused(recut: Recut, manifest: str, told: str) -> None:
    done = recut("batch", manifest)
    assert done.code == 2
    assert told in done.err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"DASHSCOPE_API_KEY": None}, "no key: set DASHSCOPE_API_KEY"),
        ({"DASHSCOPE_API_KEY": "two words"}, "DASHSCOPE_API_KEY: the API key is empty or holds characters no key has"),
        ({"RECUT_CREDENTIALS": "nobody"}, "no DashScopeCredentials block named 'nobody' is saved"),
        ({"RECUT_RESULTS": "/dev/null/results"}, "NotADirectoryError"),
        ({"RECUT_MAX_COST": "6.60"}, "the jobs would cost about 6.6053 CNY, the cap is 6.60"),
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "http://127.0.0.1:9/api does not answer"),
    ],
)
def test_what_keeps_a_run_from_starting_is_said_in_a_line(
    recut: Recut, emulator: Emulator, shelf: Shelf, changes: dict[str, str | None], told: str
) -> None:
    done = recut("edit", shelf.file("clip.mp4"), "--prompt", "Make it night", **changes)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("recut: ")
    assert done.err.count("\n") == 1
    assert told in done.err
    assert "nothing was" in done.err.lower()
    assert emulator.counters().operations == {}


def test_refusals_are_json_too_when_json_was_asked_for(recut: Recut) -> None:
    done = recut("edit", "nowhere.mp4", "--json")
    assert done.code == 2
    assert done.err == ""
    assert json.loads(done.out)["refused"] == 1
