"""Creates the provider refuses: nothing was made, nothing is billed, and only what may pass is sent again."""

import time
from email.utils import formatdate

import pytest

from flows.rules.states import JobState
from tests.flows.trouble.desk import Desk, fault

pytestmark = pytest.mark.usefixtures("impatient")

TOO_FAST = "Requests rate limit exceeded, please try again later."
QUOTA = "You exceeded your current quota, please check your plan and billing details."
GREEN_NET = "Input data may contain inappropriate content."
PROVIDERS = ["dashscope", "apiyi"]


def test_without_trouble_a_job_is_created_once_and_published(desk: Desk):
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert desk.records(job) == ["001-intent", "001-settled", "001-submitted"]
    assert [task.provider_task_id for task in desk.billed()] == [job.provider_task_id]
    assert len(desk.published()) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("code", ["DataInspectionFailed", "IPInfringementSuspect"])
def test_what_moderation_refuses_is_asked_once_and_told_to_cost_nothing(desk: Desk, provider: str, code: str):
    desk.fault(fault("create", "answer", status=400, code=code, message=GREEN_NET))
    job = desk.edit(provider=provider)

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == code
    assert "nothing was created and nothing is billed" in job.error.message
    assert "prompt" in job.error.advice
    assert desk.asked("create", provider) == 1
    assert desk.records(job) == ["001-intent", "001-refused"]
    assert desk.made() == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
        (429, "PostpaidBillOverdue", "The postpaid bill is overdue."),
        (429, "PrepaidBillOverdue", "The prepaid bill is overdue."),
        (429, "Throttling.AllocationQuota", QUOTA),
        (429, "insufficient_quota", QUOTA),
        (403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."),
    ],
)
def test_an_unpaid_bill_is_told_as_one_whatever_status_it_travels_under(
    desk: Desk, status: int, code: str, message: str
):
    desk.fault(fault("create", "answer", status=status, code=code, message=message))
    job = desk.edit()

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "nothing is billed" in job.error.message
    assert "settle the account" in job.error.advice
    assert desk.asked("create") == 1


def test_an_unpaid_bill_stops_all_jobs_of_the_account(desk: Desk):
    desk.fault(fault("create", "answer", status=400, code="Arrearage", message="Access denied."))
    report = desk.batch([desk.job(f"style {number}") for number in range(12)])

    assert (report.failed, report.exit_code) == (12, 2)
    assert all(job.error and job.error.code == "Arrearage" for job in report.jobs)
    # Those that had begun before the first answer came were refused too; no other was sent.
    assert desk.asked("create") < 12
    assert desk.made() == []


def test_an_account_that_is_paid_again_goes_on_with_the_same_command(desk: Desk):
    desk.fault(fault("create", "answer", status=400, code="Arrearage", message="overdue"))
    desk.edit()
    desk.fault()
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert len(desk.made()) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("Throttling.RateQuota", TOO_FAST),
        ("Throttling.BurstRate", "Request rate increased too quickly."),
        ("Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit."),
    ],
)
def test_a_throttled_create_is_sent_again_until_it_is_taken_once(desk: Desk, provider: str, code: str, message: str):
    desk.fault(fault("create", "answer", status=429, code=code, message=message, times=3))
    job = desk.edit(provider=provider)

    assert job.state is JobState.PUBLISHED
    assert desk.asked("create", provider) == 4
    assert len(desk.made()) == 1
    assert "004-submitted" in desk.records(job)


@pytest.mark.parametrize(
    "wait",
    ["2", "-3", "soon", formatdate(time.time() + 2, usegmt=True), "1e12"],
    ids=["seconds", "past", "words", "date", "absurd"],
)
def test_a_wait_the_provider_asks_for_is_kept_within_reason(desk: Desk, wait: str):
    said = {"status": 429, "code": "Throttling.RateQuota", "message": TOO_FAST, "headers": {"Retry-After": wait}}
    desk.fault(fault("create", "answer", times=1, **said))
    job = desk.edit()

    assert job.state is JobState.PUBLISHED
    assert len(desk.made()) == 1


def test_throttled_jobs_are_all_created_once_in_the_end(desk: Desk):
    desk.fault(fault("create", "answer", status=429, code="Throttling.RateQuota", message=TOO_FAST, nth=[1, 2, 4, 7]))
    report = desk.batch([desk.job(f"style {number}") for number in range(5)])

    assert report.succeeded == 5
    assert sorted(task.prompt for task in desk.made()) == [f"style {number}" for number in range(5)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_business_code_under_http_200_is_a_refusal_like_any_other(desk: Desk, provider: str):
    body = '{"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."}'
    desk.fault(fault("create", "answer", status=200, body=body))
    job = desk.edit(provider=provider)

    assert job.state is JobState.FAILED
    assert desk.records(job) == ["001-intent", "001-refused"]
    assert desk.made() == []


def test_a_provider_nobody_listens_at_is_tried_again_and_costs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flows.stages.create.PATIENCE_SECONDS", 5.0)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "http://127.0.0.1:9/api/v1")
    job = desk.edit()

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "nothing was created" in job.error.message
    refused = [name for name in desk.records(job) if name.endswith("refused")]
    assert len(refused) > 1
    assert desk.made() == []
