"""What a drop's files ask for, and every way in which they can contradict themselves."""

from pathlib import Path

import pytest

from blocks.clients.store import Store
from flows.inbox.listing import Inbox
from flows.inbox.reading import LONGEST_INSTRUCTIONS_BYTES, named_in, rows_of_drop
from flows.rules.drops import drops_of
from flows.rules.manifest import Row


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(Store(str(tmp_path / "inbox")), (), None, ())


def rows(inbox: Inbox, **contents: str | bytes) -> list[Row]:
    """Returns what is read of the one drop that files make; in their names a double underscore stands for a dot."""
    for name, content in contents.items():
        data = content if isinstance(content, bytes) else content.encode()
        inbox.store.write(name.replace("__", ".").replace("_in_", "/"), data)
    manifests = {file.name: [] for file in inbox.files()}
    (drop,) = drops_of(inbox.files(), manifests)
    return rows_of_drop(inbox, drop)


def problem(inbox: Inbox, **contents: str | bytes) -> str:
    (row,) = rows(inbox, **contents)
    assert row.job is None
    return " ".join(str(problem) for problem in row.problems)


def test_a_prompt_keeps_its_lines_and_loses_only_the_mark_of_its_encoding(inbox: Inbox) -> None:
    (row,) = rows(inbox, a__mp4="x", a__txt="\ufeff\n first\n\n  second \n".encode())
    assert row.job is not None
    assert row.job.prompt == "first\n\n  second"
    assert row.job.video == inbox.store.address("a.mp4")


def test_the_inbox_own_prompt_is_for_those_that_bring_none(inbox: Inbox) -> None:
    inbox = Inbox(inbox.store, (), "edit it", ())
    (bare,) = rows(inbox, a__mp4="x")
    assert bare.job is not None and bare.job.prompt == "edit it"
    (fields,) = rows(inbox, a__mp4="x", a__yaml="seed: 5")
    assert fields.job is not None and (fields.job.prompt, fields.job.seed) == ("edit it", 5)
    inbox.store.remove("a.yaml")
    (own,) = rows(inbox, a__mp4="x", a__txt="its own")
    assert own.job is not None and own.job.prompt == "its own"


def test_addresses_in_fields_start_at_their_file(inbox: Inbox) -> None:
    (row,) = rows(inbox, sub_in_a__mp4="x", sub_in_a__json='{"video": "a.mp4", "reference_images": "../coat.png"}')
    assert row.job is not None
    assert row.job.video == inbox.store.address("sub/a.mp4")
    assert named_in(inbox, [row]) == {"sub/a.mp4", "coat.png"}


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"a__txt": " \n"}, "a.txt is empty"),
        ({"a__txt": b"\xff\xfe"}, "not UTF-8 text"),
        ({"a__txt": "x", "a__md": "y"}, "a.md and a.txt are both there"),
        ({"a__yaml": "seed: 1", "a__json": "{}"}, "both there"),
        ({"a__txt": "x", "a__yaml": "prompt: y"}, "both give one"),
        ({"a__yaml": "video: b.mp4"}, "names another clip"),
        ({"a__yaml": "- 1"}, "not a mapping"),
        ({"a__yaml": "{"}, "not valid YAML"),
        ({"a__json": "{"}, "not valid JSON"),
        ({"a__yaml": "colour: red"}, "unknown column"),
        ({"a__yaml": "take: no"}, "take"),
        ({"a__txt": "x" * (LONGEST_INSTRUCTIONS_BYTES + 1)}, "are not read"),
    ],
)
def test_what_contradicts_itself_or_cannot_be_read_is_said(
    inbox: Inbox, contents: dict[str, str | bytes], said: str
) -> None:
    assert said in problem(inbox, a__mp4="x", **contents)


def test_a_job_folder_without_one_clip_must_name_it(inbox: Inbox) -> None:
    assert "video: is missing" in problem(inbox, x_in_job__yaml="prompt: p", x_in_a__mp4="x", x_in_b__mp4="x")


def test_a_file_that_was_taken_away_meanwhile_is_no_malformed_one(inbox: Inbox) -> None:
    inbox.store.write("list.csv", b"video\na.mp4\n")
    (drop,) = drops_of(inbox.files(), {})
    inbox.store.remove("list.csv")
    with pytest.raises(FileNotFoundError):
        rows_of_drop(inbox, drop)
