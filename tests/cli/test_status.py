"""The journal as people read it, and their decisions about what nobody but them can know."""

import shutil
from pathlib import Path

import pytest

from deployments.emulator import Emulator, Fate, Fault, Reset
from tests.cli.conftest import At
from tests.cli.recut import Recut
from tests.cli.shelf import Shelf


def hold(recut: Recut, emulator: Emulator, shelf: Shelf) -> str:
    """Runs a batch in which the answer to one create is lost, at APIYI, which has no list to look into."""
    job = {"prompt": "Make it night", "resolution": "720P"}
    web = {"video": shelf.web("clip.mp4"), "reference_images": [shelf.web("coat.png")]}
    rows = [
        job | web | {"name": "lost", "provider": "apiyi"},
        job | {"name": "fine", "video": shelf.file("clip.mp4")},
    ]
    manifest = recut.write("jobs.jsonl", rows)
    emulator.set_faults([Fault(operation="create", provider="apiyi", does=Reset(when="after"))])
    done = recut("batch", manifest)
    emulator.set_faults([])
    assert done.code == 1
    assert "✗ lost  held" in done.out
    assert "may be billed once, so recut does not create it again by itself" in done.out
    assert "1 of 2 published, 1 held, which may be billed; 1 created in this run" in done.out
    return manifest


@pytest.fixture(scope="module")
def told(at: At, _running_emulator: Emulator, shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Recut:
    """The command in a folder with a held job, which is only looked at."""
    _running_emulator.reset()
    recut = at(tmp_path_factory.mktemp("told"))
    hold(recut, _running_emulator, shelf)
    return recut


def test_a_held_job_is_created_again_only_when_a_person_says_so(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    held = hold(recut, emulator, shelf)
    done = recut("batch", held)
    assert done.code == 1
    assert "1 of 2 published, 1 held, which may be billed; nothing else was created in this run" in done.out
    assert len(emulator.audit()) == 2
    decided = recut("resolve", "lost", "--recreate")
    assert (decided.code, decided.out) == (0, "lost: recreate; the next run creates it again.\n")
    told = recut("status").out.replace("\n    ", " | ")
    assert "lost  planned" in told
    assert "decided: recreate (a person decided); the next run creates it again" in told
    done = recut("batch", held, "--json")
    assert (done.code, done.json["created"]) == (0, 1)
    assert len(emulator.audit()) == 3


def test_the_status_is_a_table_with_what_to_do_and_the_sums(told: Recut) -> None:
    done = told("status")
    assert (done.code, done.err) == (0, "")
    head, *lines = done.out.splitlines()
    assert head.split() == ["name", "state", "cost", "model", "provider", "begun", "key"]
    lost = next(number for number, line in enumerate(lines) if line.startswith("lost "))
    fine = next(line for line in lines if line.startswith("fine "))
    assert lines[lost].split()[:5] == ["lost", "held", "about", "0.756", "USD"]
    assert "no answer, may be billed once (" in lines[lost + 1]
    assert "--adopt, --recreate or --abandon" in lines[lost + 1]
    assert fine.split()[:6] == ["fine", "published", "4.4035", "CNY", "wan2.7-videoedit", "dashscope"]
    assert head.index("state") == lines[lost].index("held") == fine.index("published")
    sums = "4.4035 CNY for what is published; about 0.756 USD more may be billed."
    assert lines[-1] in (f"2 jobs: 1 held, 1 published; {sums}", f"2 jobs: 1 published, 1 held; {sums}")


def test_the_status_of_one_job_is_its_whole_story(told: Recut) -> None:
    fine, lost = told("status", "fine").out, told("status", "lost").out
    assert fine.startswith("fine  published\n  model      wan2.7-videoedit at dashscope, ap-southeast-1, account ")
    for said in ("prompt     Make it night\n", "clip.mp4\n", "resolution 720P", "take       1\n", "try 1\n"):
        assert said in fine
    moments = [line.strip() for line in fine.splitlines() if line.startswith("    20")]
    assert [line[21:].split()[0] for line in moments] == ["about", "created", "published"]
    assert f"published as {told.results / 'fine.mp4'} for 4.4035 CNY, ran " in moments[2]
    assert "no answer, may be billed once (" in lost
    assert "→ look into the provider's console, then recut resolve " in lost
    key = told("status", "fine", "--json").json["jobs"][0]["job_key"]
    assert told("status", key[:12]).out == fine


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["--state", "held"], ["lost"]),
        (["--state", "held", "--state", "published"], ["fine", "lost"]),
        (["--provider", "dashscope"], ["fine"]),
        (["--model", "happyhorse"], ["lost"]),
        (["--since", "1h"], ["fine", "lost"]),
        (["--since", "2099-01-01"], []),
        (["*i*"], ["fine"]),
        (["l?st", "--state", "published"], []),
    ],
)
def test_the_status_shows_only_what_is_asked_for(told: Recut, asked: list[str], names: list[str]) -> None:
    assert sorted(job["name"] for job in told("status", *asked, "--json").json["jobs"]) == names
    shown = told("status", *asked)
    assert (shown.code, shown.err) == (0, "")
    if not names:
        assert shown.out == "none of the 2 jobs in the journal is like that\n"


def test_the_status_as_json_adds_up_the_money(told: Recut) -> None:
    told_of = told("status", "--json").json
    assert told_of["cost"] == {"amount": 4.4035, "currency": "CNY", "estimated": False}
    assert told_of["at_stake"] == {"amount": 0.756, "currency": "USD", "estimated": True}


def test_what_cannot_be_filtered_by_is_said_plainly(told: Recut) -> None:
    for asked, said in (
        (["--since", "yesterday"], "'yesterday' is no moment; say 2026-11-20"),
        (["nobody"], "no job in the journal by the name or key 'nobody'"),
        (["--state", "lost"], "lost"),
    ):
        done = told("status", *asked)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def test_the_status_as_json_holds_the_records(told: Recut) -> None:
    jobs = {job["name"]: job for job in told("status", "--json").json["jobs"]}
    assert (jobs["lost"]["state"], jobs["fine"]["state"]) == ("held", "published")
    assert jobs["lost"]["attempts"][0].keys() == {"intent", "unanswered"}
    fine = jobs["fine"]["attempts"][0]
    assert fine.keys() == {"intent", "submitted", "settled"}
    assert fine["settled"]["result"] == str(told.results / "fine.mp4")


def test_a_job_that_was_given_up_is_never_created_again(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    held = hold(recut, emulator, shelf)
    key = next(job["job_key"] for job in recut("status", "--json").json["jobs"] if job["name"] == "lost")
    assert recut("resolve", key[:10], "--abandon").code == 0
    done = recut("batch", held)
    assert done.code == 1
    assert "✗ lost  abandoned" in done.out
    assert len(emulator.audit()) == 2
    again = recut("resolve", "lost", "--recreate")
    assert again.code == 2
    assert "lost is abandoned" in again.err


def test_a_person_who_found_the_lost_provider_task_hands_it_to_the_job(
    recut: Recut, emulator: Emulator, shelf: Shelf
) -> None:
    held = hold(recut, emulator, shelf)
    found = next(task.provider_task_id for task in emulator.audit() if task.provider == "apiyi")
    adopted = recut("resolve", "lost", "--adopt", found)
    assert (adopted.code, adopted.err) == (0, "")
    assert adopted.out.startswith(f"lost: provider task {found} is its own now. It ")
    done = recut("batch", held, "--json")
    assert (done.code, done.json["created"]) == (0, 0)
    assert (recut.results / "lost.mp4").is_file()
    assert f"adopted {found}" in recut("status", "lost").out


@pytest.mark.parametrize("said", [[], ["--recreate", "--abandon"], ["--abandon", "--adopt", "t"]])
def test_a_decision_is_one_of_three(told: Recut, said: list[str]) -> None:
    done = told("resolve", "lost", *said)
    assert (done.code, done.err) == (2, "recut: say one of --recreate, --abandon and --adopt\n")


def test_only_what_is_open_can_be_decided_about(told: Recut) -> None:
    published = told("resolve", "fine", "--recreate")
    assert (published.code, published.err) == (2, "recut: fine is published; there is nothing to recreate\n")
    unknown = told("resolve", "nobody", "--abandon")
    assert (unknown.code, unknown.out) == (2, "")
    assert "no job in the journal by the name or key 'nobody'" in unknown.err


def test_a_journal_that_is_not_there_holds_no_jobs(recut: Recut) -> None:
    done = recut("status", "--results", "nowhere")
    assert (done.code, done.out) == (0, f"no jobs in the journal at {recut.folder / 'nowhere/.recut/journal'}\n")


def test_a_record_that_cannot_be_read_is_named(told: Recut, tmp_path: Path) -> None:
    journal = shutil.copytree(told.results / ".recut" / "journal", tmp_path / "journal")
    record = next(journal.rglob("001-unanswered.json"))
    record.write_text("{")
    done = told("status", "--journal", journal)
    assert done.code == 1
    assert done.out.splitlines()[1].split()[:2] == ["fine", "published"]
    assert str(record) in done.err


def test_a_sweep_fetches_what_a_stopped_run_left(recut: Recut, emulator: Emulator, shelf: Shelf) -> None:
    emulator.set_faults([Fault(operation="create", does=Fate(ends="succeeded", run_seconds=3600))])
    running = recut.start("edit", shelf.file("clip.mp4"), "--prompt", "Make it night", "--name", "late")
    running.until(emulator, status="RUNNING")
    running.process.terminate()
    assert running.done().code == 130
    emulator.advance(3600)
    done = recut("sweep")
    assert done.code == 0, done.said
    assert "✓ late  published" in done.out
    assert (recut.results / "late.mp4").is_file()
    assert len(emulator.audit()) == 1
