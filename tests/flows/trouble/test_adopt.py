"""A person found the provider task of a lost create: it is given to its job, and to no other."""

import asyncio

import pytest

from deployments.emulator import Emulator
from flows.rules.states import JobState
from flows.telling.reports import BatchReport, JobReport
from tests.flows.trouble.desk import WAN, Desk, fault, reported


def hold(desk: Desk, prompt: str = "make it clay", **fields: object) -> tuple[JobReport, str]:
    """Loses the answer to a create at APIYI; returns the held job and the provider task that was made for it."""
    desk.fault(fault("create", "answer", status=500, when="after", times=1))
    job = desk.edit(prompt, provider="apiyi", **fields)
    assert job.state is JobState.HELD
    return job, desk.made()[-1].provider_task_id


def sweep(desk: Desk) -> BatchReport:
    from flows.sweep import sweep

    return asyncio.run(reported(sweep(desk.run_options(), return_state=True)))


@pytest.mark.parametrize("finished_by", ["run", "sweep"])
def test_an_adopted_provider_task_is_fetched_and_nothing_is_created_again(desk: Desk, finished_by: str, capsys):
    held, made = hold(desk)
    assert desk.adopt(held, f" {made}\n") == 0
    assert "is its own now" in capsys.readouterr().out
    assert desk.record(held, "001-submitted")["adopted"] is True
    if finished_by == "sweep":
        sweep(desk)
    job = desk.edit("make it clay", provider="apiyi")

    assert (job.state, job.provider_task_id) == (JobState.PUBLISHED, made)
    assert desk.asked("create", "apiyi") == 1
    assert desk.sidecar(job)["provider_task_id"] == made


def test_a_job_that_cannot_be_read_keeps_no_other_from_being_finished(desk: Desk):
    broken = desk.edit("make it snow", provider="apiyi")
    (desk.journal / (broken.job_key or "") / "001-submitted.json").write_text("{")
    held, made = hold(desk)
    assert desk.adopt(held, made) == 0

    swept = {job.job_key: job for job in sweep(desk).jobs}
    assert swept[held.job_key].state is JobState.PUBLISHED
    error = swept[broken.job_key].error
    assert error is not None and "001-submitted.json cannot be understood" in error.message
    assert desk.asked("create", "apiyi") == 2


def test_what_the_provider_does_not_know_is_not_adopted(desk: Desk, capsys):
    held, _ = hold(desk)
    assert desk.adopt(held, "00000000-no-such-task") == 2
    said = capsys.readouterr().err
    assert "knows no provider task 00000000-no-such-task" in said
    assert "nothing was recorded, and nothing more is created or paid" in said
    assert desk.records(held) == ["001-intent", "001-unanswered"]


def test_the_provider_task_of_another_job_is_not_adopted(desk: Desk, capsys):
    other = desk.edit("make it snow", provider="apiyi")
    held, _ = hold(desk)
    assert desk.adopt(held, other.provider_task_id or "") == 2
    assert f"belongs to the job of key {(other.job_key or '')[:8]}" in capsys.readouterr().err
    assert desk.records(held) == ["001-intent", "001-unanswered"]


def test_a_provider_task_that_shows_another_prompt_is_not_adopted(desk: Desk, capsys):
    desk.fault(
        fault("create", "reset", when="after", times=2),
        fault("list", "rows", how="missing", count=9),
    )
    held, foreign = desk.edit("make it clay"), desk.edit("make it snow")
    ids = {task.prompt: task.provider_task_id for task in desk.made()}
    assert desk.adopt(held, ids["make it snow"]) == 2
    assert "another edit's" in capsys.readouterr().err
    assert desk.adopt(foreign, ids["make it snow"]) == desk.adopt(held, ids["make it clay"]) == 0


def test_nothing_is_recorded_while_the_provider_cannot_be_asked(desk: Desk, capsys):
    held, made = hold(desk)
    desk.fault(fault("get", "answer", status=503, times=1))
    assert desk.adopt(held, made) == 1
    assert "could not be asked" in capsys.readouterr().err
    assert desk.records(held) == ["001-intent", "001-unanswered"]
    assert desk.adopt(held, made) == 0


def test_a_job_that_lacks_no_provider_task_adopts_none(desk: Desk, capsys):
    held, made = hold(desk)
    published = desk.edit("make it snow", provider="apiyi")
    assert desk.adopt(published, made) == 2
    assert "none of its creates lacks a provider task" in capsys.readouterr().err
    assert desk.adopt(held, made) == 0
    assert desk.adopt(held, made) == 2


def test_a_job_that_was_given_up_adopts_nothing(desk: Desk, capsys):
    held, made = hold(desk)
    assert desk.resolve(held, "abandon") == 0
    assert desk.adopt(held, made) == 2
    assert "was given up" in capsys.readouterr().err


def test_what_turns_up_after_the_job_was_created_again_is_fetched_beside_the_other(desk: Desk):
    held, made = hold(desk)
    assert desk.resolve(held, "recreate") == 0
    again = desk.edit("make it clay", provider="apiyi")
    assert again.state is JobState.PUBLISHED
    assert desk.adopt(held, made) == 0
    sweep(desk)

    assert len(desk.published()) == len(desk.billed()) == 2
    assert desk.record(held, "001-settled")["state"] == "published"
    assert desk.edit("make it clay", provider="apiyi").created is False


def test_it_is_asked_for_where_the_create_was_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    held, made = hold(desk)
    monkeypatch.setenv("APIYI_BASE_URL", "http://127.0.0.1:9")
    assert desk.adopt(held, made) == 0


def test_a_provider_task_that_failed_is_adopted_and_settled_as_not_billed(desk: Desk, emulator: Emulator, capsys):
    desk.fault(
        fault("create", "fate", ends="failed", code="DataInspectionFailed", nth=[1]),
        fault("create", "reset", when="after", nth=[1]),
        fault("list", "rows", how="missing", count=9),
    )
    held = desk.edit(model=WAN)
    (made,) = desk.made()
    emulator.advance(3600)
    assert desk.adopt(held, made.provider_task_id) == 0
    assert "failed and not billed" in capsys.readouterr().out
    desk.fault()
    assert desk.edit(model=WAN).state is JobState.FAILED
