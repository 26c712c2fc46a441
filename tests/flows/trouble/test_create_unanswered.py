"""Creates without a usable answer: found in the provider's list, or left to a person; never simply sent again."""

import asyncio
import json
from typing import Any

import pytest

from blocks.clients.store import Store
from deployments.emulator import Fault
from flows.ledger.journal import Journal
from flows.rules.states import JobState
from tests.flows.trouble.desk import PROMPT, WAN, Desk, fault

pytestmark = pytest.mark.usefixtures("impatient")

#: Every way a create can stay without a usable answer, told by what the emulator does to it.
LOST: dict[str, dict[str, Any]] = {
    "500": {"kind": "answer", "status": 500},
    "502 page": {"kind": "answer", "status": 502, "body": "<html>Bad Gateway</html>"},
    "503": {"kind": "answer", "status": 503, "code": "ServiceUnavailable", "message": "busy"},
    "408": {"kind": "answer", "status": 408, "code": "", "message": ""},
    "silence": {"kind": "hang"},
    "reset": {"kind": "reset"},
}
#: Answers that were right until something on the way spoilt them: the provider task was made.
SPOILT = ["truncated", "html", "without_task_id", "duplicate_keys"]


def lost(how: str, when: str, **filters: Any) -> Fault:
    return fault("create", when=when, **LOST[how], **filters)


@pytest.mark.parametrize("how", LOST)
def test_a_provider_task_whose_create_got_no_answer_is_found_in_the_list(desk: Desk, how: str):
    desk.fault(lost(how, "after"))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert desk.records(job) == ["001-intent", "001-settled", "001-submitted", "001-unanswered"]
    assert desk.record(job, "001-submitted")["adopted"] is True
    assert [task.provider_task_id for task in desk.made()] == [job.provider_task_id]


@pytest.mark.parametrize("how", SPOILT)
def test_a_provider_task_whose_answer_was_spoilt_is_found_in_the_list(desk: Desk, how: str):
    desk.fault(fault("create", "garble", how=how))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert [task.provider_task_id for task in desk.billed()] == [job.provider_task_id]


@pytest.mark.parametrize("how", LOST)
def test_a_create_that_left_no_trace_is_held_and_the_job_says_so(desk: Desk, how: str):
    desk.fault(lost(how, "before"))
    job = desk.edit()

    assert job.state is JobState.HELD
    assert job.error is not None
    assert job.error.code == "OutcomeUnknown"
    assert "may be billed once" in job.error.message
    assert "recut resolve" in job.error.advice
    assert desk.records(job) == ["001-intent", "001-unanswered"]
    assert desk.asked("create") == 1


@pytest.mark.parametrize("how", ["500", "silence"])
def test_a_create_that_left_no_trace_is_created_again_where_a_person_allowed_it(desk: Desk, how: str):
    desk.fault(lost(how, "before", times=1))
    job = desk.edit(options={"on_unknown": "recreate"})

    assert job.state is JobState.PUBLISHED
    assert desk.asked("create") == 2
    assert [task.provider_task_id for task in desk.billed()] == [job.provider_task_id]
    assert "on-unknown recreate" in desk.record(job, "001-decided")["reason"]


@pytest.mark.parametrize("provider", ["dashscope", "apiyi"])
def test_allowing_to_create_again_does_not_allow_it_without_end(desk: Desk, provider: str):
    desk.fault(lost("500", "after", provider="apiyi"), lost("500", "before", provider="dashscope"))
    job = desk.edit(provider=provider, options={"on_unknown": "recreate"})

    assert job.state is JobState.HELD
    assert desk.asked("create", provider) == 2
    assert desk.edit(provider=provider, options={"on_unknown": "recreate"}).state is JobState.HELD
    assert desk.asked("create", provider) == 2


@pytest.mark.parametrize(("how", "when"), [("500", "before"), ("500", "after"), ("silence", "after")])
def test_apiyi_has_no_list_so_an_unanswered_create_is_held(desk: Desk, how: str, when: str):
    desk.fault(lost(how, when))
    report = desk.batch([desk.job(provider="apiyi")])
    [job] = report.jobs

    assert (job.state, report.exit_code, report.held) == (JobState.HELD, 1, 1)
    assert job.error is not None
    assert "no list" in job.error.message
    assert "may be billed once" in job.error.message
    assert desk.asked("create", "apiyi") == 1


@pytest.mark.parametrize("how", SPOILT)
def test_apiyis_spoilt_answers_are_held(desk: Desk, how: str):
    desk.fault(fault("create", "garble", how=how))
    job = desk.edit(provider="apiyi")

    assert job.state is JobState.HELD
    assert len(desk.made()) == 1


@pytest.mark.parametrize("provider", ["dashscope", "apiyi"])
def test_a_held_job_stays_held_however_often_it_is_run(desk: Desk, provider: str):
    desk.fault(lost("500", "before", times=1))
    for _ in range(3):
        assert desk.edit(provider=provider).state is JobState.HELD
    assert desk.asked("create", provider) == 1
    assert desk.made() == []


def test_a_provider_task_the_list_shows_late_is_found_by_the_next_run(desk: Desk):
    desk.fault(lost("reset", "after"), fault("list", "rows", how="missing", count=1))
    held = desk.edit()
    desk.fault()
    job = desk.edit()

    assert held.state is JobState.HELD
    assert job.state is JobState.PUBLISHED
    assert desk.asked("create") == 1


def test_a_list_that_shows_its_rows_late_is_looked_into_twice(desk: Desk):
    desk.fault(lost("reset", "after"), fault("list", "rows", how="late", seconds=15))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert desk.asked("create") == 1


def test_what_another_run_finds_out_meanwhile_is_taken_up(desk: Desk):
    desk.fault(lost("reset", "after"), fault("list", "rows", how="missing", count=9))

    def another_run_claims() -> None:
        desk.emulator.wait(operation="list")
        (intent,) = desk.journal.glob("*/001-intent.json")
        (task,) = desk.made()
        claiming = Journal(Store(str(desk.journal))).claim(task.provider_task_id, intent.parent.name, 1)
        assert asyncio.run(claiming)

    job = desk.meanwhile(PROMPT, another_run_claims)

    assert job.state is JobState.PUBLISHED
    assert desk.asked("create") == 1


def test_while_the_list_cannot_be_read_nothing_is_concluded_and_nobody_is_told_that_nothing_was_made(desk: Desk):
    desk.fault(lost("500", "after"), fault("list", "answer", status=400, code="InvalidParameter", message="no"))
    job = desk.edit()

    assert job.state is JobState.HELD
    assert job.error is not None
    assert "may be billed once" in job.error.message
    assert "nothing" not in job.error.message
    assert desk.records(job) == ["001-intent", "001-unanswered"]
    desk.fault()
    assert desk.edit().state is JobState.PUBLISHED
    assert len(desk.made()) == 1


def seconds(body: str) -> int:
    return json.loads(body)["parameters"].get("duration", 0)


def test_equal_prompts_without_answers_at_once_are_never_taken_for_each_other(desk: Desk):
    desk.fault(lost("silence", "after", times=3))
    jobs = [desk.job(model=WAN, duration=length, name=f"{length} s") for length in (2, 3, 0)]
    report = desk.batch(jobs)

    assert desk.asked("create") == 3
    assert report.held > 0
    made = {task.provider_task_id: task for task in desk.made()}
    for job in report.jobs:
        if job.state is JobState.PUBLISHED:
            # It was alone while it was looked for, so it cannot have got another's.
            assert f"{seconds(made[job.provider_task_id or ''].body)} s" == job.name
        else:
            assert job.error and "cannot be told apart" in job.error.message


@pytest.mark.parametrize("decision", ["recreate", "abandon"])
def test_a_lost_provider_task_is_not_given_to_another_job_once_its_own_was_decided(desk: Desk, decision: str):
    made, unmade = desk.job(model=WAN, duration=2), desk.job(model=WAN, duration=3)
    nothing_listed = fault("list", "rows", how="missing", count=9)
    desk.fault(lost("reset", "after", nth=[1]), lost("reset", "before", nth=[2]), nothing_listed)
    first, second = desk.edit(**made), desk.edit(**unmade)
    desk.fault()
    assert desk.resolve(first, decision) == 0
    desk.edit(**made)
    again = desk.edit(**unmade)

    assert second.state is again.state is JobState.HELD
    assert again.error is not None
    assert "cannot be told apart" in again.error.message
    assert [seconds(task.body) for task in desk.made()] == ([2, 2] if decision == "recreate" else [2])


def test_different_prompts_without_answers_at_once_are_told_apart(desk: Desk):
    desk.fault(lost("reset", "after", times=3))
    report = desk.batch([desk.job(f"style {number}") for number in range(3)])

    assert report.succeeded == 3
    by_id = {task.provider_task_id: task.prompt for task in desk.made()}
    assert len(by_id) == 3
    for job in report.jobs:
        assert desk.sidecar(job)["prompt"] == by_id[job.provider_task_id or ""]


def test_what_a_person_decided_to_create_again_is_created_once(desk: Desk):
    desk.fault(lost("500", "before", times=1))
    held = desk.edit(provider="apiyi")
    assert desk.resolve(held, "recreate") == 0
    job = desk.edit(provider="apiyi")

    assert job.state is JobState.PUBLISHED
    assert desk.asked("create", "apiyi") == 2
    assert len(desk.billed()) == 1
    assert desk.edit(provider="apiyi").created is False
    assert desk.asked("create", "apiyi") == 2


def test_what_a_person_gave_up_is_never_created_again(desk: Desk):
    desk.fault(lost("500", "before", times=1))
    held = desk.edit(provider="apiyi")
    assert desk.resolve(held, "abandon") == 0
    job = desk.edit(provider="apiyi")

    assert job.state is JobState.ABANDONED
    assert desk.asked("create", "apiyi") == 1
    assert desk.edit(provider="apiyi", take=2).state is JobState.PUBLISHED


def test_a_decision_about_a_published_job_is_refused(desk: Desk):
    job = desk.edit(PROMPT)

    assert desk.resolve(job, "recreate") == 2
    assert desk.edit(PROMPT).created is False
    assert len(desk.made()) == 1
