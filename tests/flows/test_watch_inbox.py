"""Drops become edits: real files in real folders and buckets, a real Prefect server, a provider that keeps books."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.clients.store import Store, open_anywhere
from deployments.emulator import Emulator, Fault
from flows.commands.resolve import run_resolve
from flows.running.settings import RunOptions
from flows.telling.reports import BatchReport
from tests.clips import make_clip
from tests.conftest import Media
from tests.s3 import S3Server

PROMPT = "turn it into claymation"
#: A job that APIYI, which can list nothing, may take without anybody hearing of it.
HORSE = {"provider": "apiyi", "prompt": "hold me", "name": "held"}
AN_HOUR_EACH = {"operation": "create", "does": {"kind": "fate", "ends": "succeeded", "run_seconds": 3600}}


class Team:
    """Somebody who drops files into an inbox, and looks at what comes of it."""

    def __init__(self, emulator: Emulator, media: Media, results: str, inbox: str) -> None:
        self.emulator, self.media = emulator, media
        self.results, self.inbox = Store(results), open_anywhere(f"{inbox}/any")[0]
        self.url = inbox

    def drop(self, name: str, content: str | bytes | Path) -> None:
        """Puts a file into the inbox, whole and at once, as it were from another folder of the same disk."""
        if isinstance(content, Path):
            self.inbox.publish(name, content)
        else:
            self.inbox.write(name, content if isinstance(content, bytes) else content.encode())

    def clip(self, name: str, prompt: str | None = PROMPT) -> None:
        if prompt is not None:
            self.drop(f"{name.rpartition('.')[0]}.txt", prompt)
        self.drop(name, self.media.clip)

    async def watching(self, **arguments: Any) -> Any:
        from flows.watch_inbox import watch_inbox

        return await watch_inbox(self.url, return_state=True, **arguments)

    def watch(self, **arguments: Any) -> BatchReport:
        """Lets the flow run once, to its end."""
        state = asyncio.run(self.watching(**arguments))
        report = asyncio.run(state.aresult(raise_on_failure=False))
        if isinstance(report, BaseException):
            raise report
        assert isinstance(report, BatchReport)
        return report

    @property
    def created(self) -> list[str]:
        """The prompts of all provider tasks ever made, in order."""
        return [task.prompt for task in self.emulator.audit()]

    def files(self) -> list[str]:
        return self.inbox.names("")

    def note(self, name: str) -> str:
        return self.inbox.read(f"{name}.error.md").decode()

    def published(self) -> list[str]:
        return [name for name in self.results.names("") if name.endswith(".mp4")]


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder, or a bucket."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")


@pytest.fixture
def hire(prefect: str, providers: Emulator, media: Media, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Team]:
    """Makes a team whose inbox and results are at a place, and that waits for nothing which may still come."""
    for name, value in {"SETTLE_SECONDS": "0", "INBOX_GRACE_SECONDS": "0", "INBOX_SECONDS": "0.2"}.items():
        monkeypatch.setenv(f"RECUT_{name}", value)

    def at(place: str) -> Team:
        monkeypatch.setenv("RECUT_RESULTS", f"{place}/results")
        return Team(providers, media, f"{place}/results", f"{place}/inbox")

    return at


@pytest.fixture
def team(hire: Callable[[str], Team], tmp_path: Path) -> Team:
    """A team that works on this disk."""
    return hire(str(tmp_path))


@pytest.fixture
def anywhere(hire: Callable[[str], Team], place: str) -> Team:
    """A team that works on this disk, and one that works in a bucket."""
    return hire(place)


def test_a_clip_with_its_prompt_comes_out_published_and_left_in_place_costs_nothing_more(anywhere: Team) -> None:
    anywhere.clip("coat.mp4")
    report = anywhere.watch()
    assert (report.succeeded, report.failed, report.held) == (1, 0, 0)
    assert anywhere.created == [PROMPT]
    assert [name.startswith("coat-") for name in anywhere.published()] == [True]
    state = asyncio.run(anywhere.watching())
    assert (state.type, state.message) == ("COMPLETED", "nothing new was dropped")
    assert anywhere.created == [PROMPT]


def test_a_drop_left_in_place_is_never_read_again(hire: Callable[[str], Team], bucket: str, s3: S3Server) -> None:
    team = hire(bucket)
    team.clip("coat.mp4")
    team.watch()
    s3.seen.clear()
    team.watch()
    read = [seen.path for seen in s3.seen if seen.method == "GET" and "/inbox/" in seen.path]
    assert read == []


def test_every_way_to_say_what_is_wanted_is_understood(team: Team) -> None:
    team.clip("a.mp4", "said in text")
    team.drop("b.mp4", team.media.clip)
    team.drop("b.md", "said in markdown\n")
    team.drop("c.mp4", team.media.clip)
    team.drop("c.yaml", "prompt: said in fields\nresolution: 720p\nname: as/named\n")
    team.drop("d.mp4", team.media.clip)
    team.drop("d.txt", "said beside fields")
    team.drop("d.json", json.dumps({"seed": 7}))
    team.drop("e.mp4", team.media.clip)
    team.drop("e.txt", "with two pictures")
    team.drop("e.ref1.png", team.media.picture)
    team.drop("e.ref2.png", team.media.picture)
    team.drop("folder/whatever it is called.mp4", team.media.clip)
    team.drop("folder/reference.png", team.media.picture)
    team.drop("folder/job.yaml", "prompt: said in a folder")
    team.drop("list.csv", "video,prompt\nclips/f.mp4,said in a list\n")
    team.drop("clips/f.mp4", team.media.clip)
    team.drop("g.mp4", team.media.clip)
    report = team.watch(prompt="the deployment's own")
    assert report.succeeded == 8, report
    said = {task.prompt: task for task in team.emulator.audit()}
    assert sorted(said) == sorted(
        [
            "said in text",
            "said in markdown",
            "said in fields",
            "said beside fields",
            "with two pictures",
            "said in a folder",
            "said in a list",
            "the deployment's own",
        ]
    )
    cards = [json.loads(team.results.read(name)) for name in team.results.names("") if is_card(name)]
    by_prompt = {card["prompt"]: card for card in cards}
    assert by_prompt["said in fields"]["name"] == "as/named"
    assert by_prompt["said beside fields"]["parameters"]["seed"] == 7
    assert [len(by_prompt[prompt]["reference_images"]) for prompt in ("with two pictures", "said in a folder")] == [
        2,
        1,
    ]


def test_a_clip_whose_instructions_are_cleared_away_is_no_new_drop(team: Team) -> None:
    team.clip("coat.mp4")
    team.watch()
    team.inbox.remove("coat.txt")
    assert team.watch(prompt="edit everything").jobs == []
    assert team.created == [PROMPT]


def test_the_same_content_under_two_names_is_paid_once_and_published_twice(anywhere: Team) -> None:
    anywhere.clip("one.mp4")
    anywhere.clip("two.mp4")
    assert anywhere.watch().succeeded == 2
    assert anywhere.created == [PROMPT]
    assert sorted(name.rpartition("-")[0] for name in anywhere.published()) == ["one", "two"]


def test_new_content_under_an_old_name_is_a_new_job_with_a_result_of_its_own(team: Team, tmp_path: Path) -> None:
    team.clip("coat.mp4")
    team.watch()
    (first,) = team.published()
    before = team.results.read(first)
    team.drop("coat.mp4", make_clip(tmp_path / "other.mp4", seconds=4))
    assert team.watch().succeeded == 1
    assert len(team.created) == 2
    assert len(team.published()) == 2
    assert team.results.read(first) == before


def test_a_bad_drop_gets_a_note_and_a_failed_run_and_stops_no_other(anywhere: Team) -> None:
    anywhere.clip("good.mp4")
    anywhere.drop("broken.mp4", b"this is no video")
    anywhere.drop("broken.txt", PROMPT)
    anywhere.clip("mute.mp4", None)
    state = asyncio.run(anywhere.watching())
    assert state.type == "FAILED"
    assert "broken.mp4" in state.message and "mute.mp4" in state.message and "1 of 3 published" in state.message
    assert "nothing was created and nothing is billed" in anywhere.note("broken.mp4")
    assert "mute.txt" in anywhere.note("mute.mp4")
    assert anywhere.created == [PROMPT]

    assert anywhere.watch().jobs == []  # what is known and unchanged is neither judged nor told again

    anywhere.drop("broken.mp4", anywhere.media.clip)
    anywhere.drop("mute.txt", "a prompt after all")
    assert anywhere.watch().succeeded == 2
    assert not [name for name in anywhere.files() if name.endswith(".error.md")]
    assert sorted(set(anywhere.created)) == sorted({PROMPT, "a prompt after all"})


def test_a_note_about_a_drop_that_was_taken_away_disappears_and_a_persons_own_file_does_not(team: Team) -> None:
    team.drop("broken.mp4", b"this is no video")
    team.drop("mine.error.md", "not recut's")
    team.watch()
    team.inbox.remove("broken.mp4")
    team.watch()
    assert team.files() == ["mine.error.md"]


def test_a_name_that_is_taken_is_told_before_anything_is_paid(team: Team) -> None:
    team.clip("one.mp4", None)
    team.drop("one.yaml", "prompt: the first\nname: result")
    team.watch()
    before = team.results.read("result.mp4")
    team.clip("two.mp4", None)
    team.drop("two.yaml", "prompt: the second\nname: result")
    report = team.watch()
    assert [job.state for job in report.jobs] == ["refused"]
    assert "already the name of another job's result" in team.note("two.mp4")
    assert (team.created, team.results.read("result.mp4")) == (["the first"], before)


def test_two_drops_that_come_at_once_cannot_have_one_name(team: Team) -> None:
    for name in ("one", "two"):
        team.clip(f"{name}.mp4", None)
        team.drop(f"{name}.yaml", f"prompt: {name}\nname: result")
    report = team.watch()
    assert sorted(job.state for job in report.jobs) == ["published", "refused"]
    assert len(team.created) == 1


def test_a_held_job_is_told_and_taken_up_again_once_a_person_has_decided(team: Team) -> None:
    team.emulator.set_faults([Fault.model_validate({"operation": "create", "does": {"kind": "reset"}, "times": 1})])
    team.drop("clip.yaml", "provider: apiyi\nprompt: hold me\nreference_images: [coat.png]\n")
    team.drop("clip.mp4", team.media.clip)
    team.drop("list.jsonl", row(video=team.media.clip_url, reference_images=[team.media.picture_url], **HORSE))
    team.inbox.remove("clip.mp4")
    team.inbox.remove("clip.yaml")
    report = team.watch()
    (held,) = report.jobs
    assert (held.state, report.held) == ("held", 1)
    assert held.job_key is not None and f"recut resolve {held.job_key[:8]}" in team.note("list.jsonl")
    assert team.watch().jobs == []  # nothing is decided yet

    assert run_resolve(RunOptions(), held.job_key, "recreate") == 0
    assert team.watch().succeeded == 1
    assert team.files() == ["list.jsonl"]


def test_results_that_lie_in_the_inbox_are_no_drops(
    hire: Callable[[str], Team], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = hire(str(tmp_path))
    monkeypatch.setenv("RECUT_RESULTS", f"{tmp_path}/inbox/results")
    team.clip("coat.mp4")
    assert team.watch(prompt="edit everything").succeeded == 1
    assert team.watch(prompt="edit everything").jobs == []
    assert len(team.created) == 1


def test_the_results_folder_itself_is_refused_as_an_inbox(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUT_RESULTS", team.url)
    with pytest.raises(ValueError, match="each result would be a new drop"):
        team.watch()


def test_what_is_dropped_while_others_run_is_edited_by_the_same_run(team: Team) -> None:
    team.emulator.set_faults([Fault.model_validate(AN_HOUR_EACH)])
    team.clip("first.mp4", "first")

    def meanwhile() -> None:
        team.emulator.wait(status="RUNNING", count=1, timeout=60)
        team.clip("second.mp4", "second")
        team.emulator.wait(status="RUNNING", count=2, timeout=60)
        team.emulator.set_faults([])
        team.emulator.advance(3600)

    async def both() -> Any:
        return (await asyncio.gather(team.watching(), asyncio.to_thread(meanwhile)))[0]

    assert asyncio.run(both()).message.startswith("2 published")


def test_two_watchers_at_once_pay_once_for_each_drop(anywhere: Team) -> None:
    for number in range(4):
        anywhere.clip(f"clip-{number}.mp4", f"look {number}")

    async def both() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(asyncio.run, anywhere.watching()) for _ in range(2)))

    states = asyncio.run(both())
    assert [state.type for state in states] == ["COMPLETED", "COMPLETED"]
    assert sorted(anywhere.created) == [f"look {number}" for number in range(4)]
    assert len(anywhere.published()) == 4


def test_a_run_has_a_cap_over_all_its_drops(team: Team) -> None:
    team.clip("measure.mp4", "what one costs")
    price = team.watch().jobs[0].cost.amount
    assert price is not None
    for number in range(3):
        team.clip(f"clip-{number}.mp4", f"look {number}")
    report = team.watch(options=RunOptions(max_cost=price * 2))
    assert sorted(job.state for job in report.jobs) == ["published", "published", "refused"]
    assert len(team.created) == 3
    (note,) = (name for name in team.files() if name.endswith(".error.md"))
    assert "nothing was created" in team.inbox.read(note).decode()


def is_card(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def row(**fields: Any) -> str:
    return json.dumps(fields) + "\n"
