"""Many lost creates at once: what became of them is found out together, outside the provider's slots."""

from pathlib import Path
from typing import Any

import pytest

from flows.ledger import outlook
from flows.rules.states import JobState
from flows.telling.reports import JobReport
from tests.flows.trouble.desk import WAN, Desk, fault

NOTHING_LISTED = fault("list", "rows", how="missing", count=99)


def lose(desk: Desk, *jobs: dict[str, Any], when: str = "after") -> dict[str, JobReport]:
    """Loses the answers to all creates of a batch, whose list shows nothing then; returns the held jobs by name."""
    desk.fault(fault("create", "reset", when=when), NOTHING_LISTED)
    held = {job.name: job for job in desk.batch(jobs).jobs}
    assert {job.state for job in held.values()} == {JobState.HELD}
    desk.fault()
    return held


def test_many_held_jobs_share_the_list_and_every_look(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RECUT_MAX_RUNNING", "2")
    jobs = [desk.job(f"style {number}", name=str(number)) for number in range(12)]
    lose(desk, *jobs)
    listed, looked = desk.asked("list"), desk.asked("get")
    desk.fault(fault("list", "delay", seconds=120))
    monkeypatch.setattr("flows.stages.poll.FIRST_WAIT_SECONDS", 0.0)
    report = desk.batch(jobs)

    assert (report.succeeded, report.created) == (12, 0)
    # One listing for who came first, one more for those that asked meanwhile, and some for stragglers.
    assert desk.asked("list") - listed <= 4
    assert desk.asked("create") == len(desk.made()) == 12
    by_id = {task.provider_task_id: task.prompt for task in desk.made()}
    assert all(desk.sidecar(job)["prompt"] == by_id[job.provider_task_id or ""] for job in report.jobs)
    # Each echo is asked for once an outlook, not once for each job.
    assert desk.asked("get") - looked < 12 * 12


def test_a_held_job_keeps_no_slot_from_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RECUT_MAX_RUNNING", "1")
    lost = desk.job("lost", name="lost")
    lose(desk, lost)
    desk.fault(fault("list", "delay", seconds=3600, times=1))
    published: list[str] = []

    def answer_the_list_last() -> None:
        desk.emulator.wait(status="SUCCEEDED", count=3)
        desk.emulator.wait(operation="result", count=2)
        published.extend(task.prompt for task in desk.made() if task.downloads)
        desk.emulator.advance(3600)

    report = desk.batch_meanwhile(
        [lost, desk.job("one", name="one"), desk.job("two", name="two")], answer_the_list_last
    )

    assert sorted(published) == ["one", "two"]
    assert report.succeeded == 3


def test_pages_that_fail_for_the_moment_are_asked_for_again(desk: Desk):
    lose(desk, desk.job(name="lost"))
    desk.fault(
        fault("list", "answer", status=429, code="Throttling.RateQuota", nth=[1]),
        fault("list", "answer", status=503, nth=[2]),
        fault("list", "reset", nth=[3]),
        fault("list", "garble", how="truncated", nth=[4]),
    )
    listed = desk.asked("list")
    report = desk.batch([desk.job(name="lost")])

    assert report.succeeded == 1
    assert desk.asked("list") - listed == 5
    assert len(desk.made()) == 1


def test_a_list_that_never_ends_concludes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    lose(desk, desk.job(name="lost"))
    monkeypatch.setattr(outlook, "MOST_PAGES", 0)
    held = desk.batch([desk.job(name="lost")]).jobs[0]

    assert held.state is JobState.HELD
    assert held.error is not None
    assert "does not end" in held.error.message


def test_a_rotated_key_does_not_hide_an_earlier_lost_create_of_the_same_account(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    made, unmade = desk.job(model=WAN, duration=2, name="made"), desk.job(model=WAN, duration=3, name="unmade")
    lose(desk, made)
    # The account's next key, as far as the journal can tell; the emulator's accounts are its keys.
    [held] = lose(desk, unmade, when="before").values()
    _send_with_another_key(desk, held)
    again = desk.batch([unmade]).jobs[0]

    assert again.state is JobState.HELD
    assert again.error is not None
    assert "cannot be told apart" in again.error.message
    assert desk.asked("create") == 2


def _send_with_another_key(desk: Desk, job: JobReport) -> None:
    record: Path = desk.journal / (job.job_key or "") / "001-intent.json"
    account = desk.record(job, "001-intent")["endpoint"]["account"]
    record.write_text(record.read_text().replace(account, "dashscope-00000000"))


def test_while_another_jobs_record_is_broken_nothing_is_adopted_that_may_be_its_own(desk: Desk):
    jobs = [desk.job("lost", name="lost"), desk.job("broken", name="broken")]
    held = lose(desk, *jobs)
    broken: Path = desk.journal / (held["broken"].job_key or "") / "001-intent.json"
    content = broken.read_text()
    broken.write_text("{")
    doubtful = desk.batch(jobs[:1]).jobs[0]

    assert doubtful.state is JobState.HELD
    assert doubtful.error is not None
    assert "another job's, of which a record cannot be read" in doubtful.error.message
    assert str(broken) in doubtful.error.message
    broken.write_text(content)
    assert desk.batch(jobs).succeeded == 2
    assert len(desk.made()) == 2


def test_a_broken_record_stops_no_decision_about_what_was_never_made(desk: Desk):
    held = lose(desk, desk.job("broken", name="broken"), when="before")
    (desk.journal / (held["broken"].job_key or "") / "001-intent.json").write_text("{")
    desk.fault(fault("create", "reset", when="before", times=1))
    job = desk.edit("lost", options={"on_unknown": "recreate"})

    assert job.state is JobState.PUBLISHED
    assert len(desk.made()) == 1
