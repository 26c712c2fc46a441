"""Storage that surprises: what cannot be read is never taken for absent, what is another's is never overwritten."""

from pathlib import Path

import pytest

from flows.rules.states import JobState
from flows.telling.reports import JobReport
from tests.flows.trouble.desk import Desk, fault

pytestmark = pytest.mark.usefixtures("impatient")


def folder_of(desk: Desk, job: JobReport) -> Path:
    assert job.job_key is not None
    return desk.journal / job.job_key


def garble(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("record", ["intent", "submitted", "settled"])
def test_a_record_that_cannot_be_read_stops_its_job_and_no_other(desk: Desk, record: str):
    job = desk.edit()
    garble(folder_of(desk, job) / f"001-{record}.json")
    report = desk.batch([desk.job(), desk.job("another style")])
    stopped, other = report.jobs

    assert stopped.error is not None
    assert f"001-{record}.json" in stopped.error.message
    assert "nothing is created for its job until it is mended" in stopped.error.message
    assert other.state is JobState.PUBLISHED
    assert desk.asked("create") == 2


def test_a_journal_that_lost_an_intent_stops_its_job_and_no_other(desk: Desk):
    job = desk.edit()
    (folder_of(desk, job) / "001-intent.json").unlink()
    report = desk.batch([desk.job(), desk.job("another style")])

    assert [job.state for job in report.jobs] == [JobState.FAILED, JobState.PUBLISHED]
    assert desk.asked("create") == 2


@pytest.mark.parametrize("ending", ["mp4", "json", "jpg"])
def test_a_file_of_somebody_else_under_the_results_name_is_never_overwritten(desk: Desk, ending: str):
    desk.results.mkdir()
    foreign = desk.results / f"hero.{ending}"
    foreign.write_bytes(b"somebody else's")
    job = desk.edit(name="hero")
    again = desk.edit(name="hero")

    assert job.state is again.state is JobState.PUBLISHED
    assert job.result == again.result == str(desk.results / f"hero-{(job.job_key or '')[:8]}.mp4")
    assert foreign.read_bytes() == b"somebody else's"
    assert len(desk.made()) == 1


def test_a_result_published_under_another_name_is_copied_and_not_created(desk: Desk):
    first = desk.edit(name="first")
    second = desk.edit(name="second")

    assert (second.state, second.created) == (JobState.PUBLISHED, False)
    assert Path(second.result or "").read_bytes() == Path(first.result or "").read_bytes()
    assert desk.sidecar(second)["result"]["file"] == "second.mp4"
    assert desk.asked("create") == 1


def test_a_result_published_in_another_folder_is_copied_and_not_created(desk: Desk, tmp_path: Path):
    first = desk.edit()
    elsewhere = tmp_path / "elsewhere"
    second = desk.edit(options={"results": str(elsewhere), "journal": str(desk.journal)})

    assert (second.state, second.created) == (JobState.PUBLISHED, False)
    assert Path(second.result or "").parent == elsewhere
    assert Path(second.result or "").read_bytes() == Path(first.result or "").read_bytes()
    assert Path(second.sidecar or "").exists()
    assert desk.asked("create") == 1


def test_a_published_result_that_is_gone_is_told_and_not_created_again(desk: Desk):
    job = desk.edit()
    Path(job.result or "").unlink()
    again = desk.edit()

    assert again.state is JobState.FAILED
    assert again.error is not None
    assert "nothing was created again" in again.error.message
    assert "pay for another result" in again.error.advice
    assert desk.asked("create") == 1


def test_the_same_job_listed_twice_is_paid_once_and_counted_once(desk: Desk):
    report = desk.batch([desk.job(), desk.job()])
    [task] = desk.billed()

    assert report.succeeded == 2
    assert len(desk.published()) == 2
    assert report.created == 1
    [cost] = report.cost()
    assert float(cost.amount or 0) == pytest.approx(task.cost, abs=1e-3)


def test_results_that_cannot_be_written_leave_the_paid_result_at_the_provider(desk: Desk):
    desk.results.mkdir()
    (desk.results / "sub").write_text("a file where a folder is needed")
    job = desk.edit(name="sub/hero")
    (desk.results / "sub").unlink()
    again = desk.edit(name="sub/hero")

    assert job.state is JobState.RUNNING
    assert job.error is not None
    assert f"provider task {job.provider_task_id} is recorded" in job.error.message
    assert (again.state, again.created) == (JobState.PUBLISHED, False)
    assert desk.asked("create") == 1


def test_a_journal_that_cannot_be_written_spends_nothing(desk: Desk):
    desk.results.mkdir()
    (desk.results / ".recut").write_text("a file where a folder is needed")
    job = desk.edit()

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert ".recut" in job.error.message
    assert "nothing was created" in job.error.message
    assert desk.asked("create") == 0


def test_an_id_the_journal_does_not_take_is_told_and_found_by_the_next_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flows.stages.create.CREATE_SECONDS", 1)
    monkeypatch.setattr("flows.stages.create.OWNERSHIP_SECONDS", 2)
    monkeypatch.setattr("flows.stages.create.WRITE_TRIES", 1)
    monkeypatch.setattr("flows.stages.create.WRITE_TRIES_OF_AN_ID", 1)
    aside = desk.folder / "aside"
    desk.fault(fault("create", "delay", seconds=10, when="after"))

    def journal_goes_away() -> None:
        desk.emulator.wait(operation="create", stage="received")
        desk.journal.rename(aside)
        desk.journal.write_text("a file where a folder is needed")

    told = desk.meanwhile("turn it into claymation", journal_goes_away)
    desk.journal.unlink()
    aside.rename(desk.journal)
    [made] = desk.made()

    assert told.error is not None
    assert f"provider task {made.provider_task_id} was created" in told.error.message
    assert "could not be recorded" in told.error.message
    found = desk.edit()
    assert (found.state, found.provider_task_id) == (JobState.PUBLISHED, made.provider_task_id)
    assert desk.asked("create") == 1
