"""What a later run knows of an earlier one: where it asked, with which key, and what it left."""

from collections.abc import Iterator

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, RunTime
from flows.rules.states import JobState
from tests.conftest import CLOCK_SCALE
from tests.flows.trouble.desk import Desk, fault


def leave_running(desk: Desk, provider: str = "dashscope") -> None:
    """Lets a job be created and not followed to its end."""
    desk.fault(fault("get", "answer", status=401, code="InvalidApiKey", message="Invalid API-key provided."))
    assert desk.edit(provider=provider).state is JobState.RUNNING
    desk.fault()


@pytest.fixture
def other() -> Iterator[Emulator]:
    """The provider at another address, where today's settings point."""
    times = {model: RunTime(median=1) for model in (WAN, HAPPYHORSE)}
    with Emulator(EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=times)) as emulator:
        yield emulator


@pytest.mark.parametrize("provider", ["dashscope", "apiyi"])
def test_a_provider_task_is_asked_for_where_it_was_created(
    desk: Desk, other: Emulator, provider: str, monkeypatch: pytest.MonkeyPatch
):
    leave_running(desk, provider)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", other.dashscope_base_url)
    monkeypatch.setenv("APIYI_BASE_URL", other.apiyi_base_url)
    job = desk.edit(provider=provider)

    assert (job.state, job.created) == (JobState.PUBLISHED, False)
    assert desk.asked("create", provider) == 1
    assert set(other.counters().operations) <= {"dashscope limits"}


def test_a_provider_task_is_asked_for_in_the_region_it_was_created_in(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    leave_running(desk)
    monkeypatch.setenv("DASHSCOPE_API_REGION", "cn-beijing")
    job = desk.edit()

    assert (job.state, job.created) == (JobState.PUBLISHED, False)
    assert desk.sidecar(job)["region"] == "ap-southeast-1"


def test_a_lost_create_is_looked_for_where_it_was_sent(
    desk: Desk, other: Emulator, impatient: None, monkeypatch: pytest.MonkeyPatch
):
    desk.fault(fault("create", "reset", when="after"), fault("list", "rows", how="missing", count=9))
    assert desk.edit().state is JobState.HELD
    desk.fault()
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", other.dashscope_base_url)
    job = desk.edit()

    assert (job.state, len(desk.made())) == (JobState.PUBLISHED, 1)
    assert set(other.counters().operations) <= {"dashscope limits"}


def test_a_key_of_another_account_finds_nothing_and_concludes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    leave_running(desk)
    monkeypatch.setattr("flows.stages.poll.PATIENCE_SECONDS", 10.0)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-of-another-team")
    foreign = desk.edit()
    monkeypatch.undo()

    assert foreign.state is JobState.RUNNING
    assert foreign.error is not None
    assert "is the key of the same account?" in foreign.error.message
    assert len(desk.made()) == 1


def test_a_key_of_another_account_never_creates_again_by_policy(
    desk: Desk, impatient: None, monkeypatch: pytest.MonkeyPatch
):
    desk.fault(fault("create", "reset", when="after"), fault("list", "rows", how="missing", count=9))
    assert desk.edit().state is JobState.HELD
    desk.fault()
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-of-somebody-else")
    job = desk.edit(options={"on_unknown": "recreate"})

    assert (job.state, len(desk.made())) == (JobState.HELD, 1)
    assert "another account's" in job.error.message
