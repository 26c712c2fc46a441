"""Cancelling a provider task while others settle it: everybody is told what happened, nobody meets an error."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, RunTime
from deployments.emulator.config import Limits
from flows.commands.cancel import run_cancel
from flows.rules.states import JobState
from flows.telling.reports import JobReport
from tests.conftest import CLOCK_SCALE, Media
from tests.flows.trouble.desk import Desk, fault

#: Provider seconds that a held-up request waits; longer than anything here takes, and then skipped.
HELD_UP = 3600


@pytest.fixture
def queueing(
    prefect: str, providers: Emulator, media: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk whose account runs one provider task at a time, for long; the others queue."""
    times = {model: RunTime(median=20 * HELD_UP) for model in (WAN, HAPPYHORSE)}
    limits = Limits(running=1, wall_seconds=None)
    with Emulator(
        EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=times, limits=limits)
    ) as emulator:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.dashscope_base_url)
        yield Desk(emulator, media, tmp_path)


def leave(desk: Desk, prompt: str) -> JobReport:
    """Lets a job be created and not followed to its end."""
    desk.fault(fault("get", "answer", status=401, code="InvalidApiKey", message="Invalid API-key provided."))
    job = desk.edit(prompt)
    desk.fault()
    assert job.state is JobState.RUNNING
    return job


def cancel(desk: Desk, job: JobReport) -> int:
    return run_cancel(desk.run_options(), job.job_key or "")


def cancel_while(desk: Desk, job: JobReport, happening: Callable[[], object]) -> int:
    """Cancels a job; the provider takes the request in only after something else has happened."""
    desk.fault(fault("cancel", "delay", seconds=HELD_UP, times=1))
    with ThreadPoolExecutor(1) as pool:
        cancelling = pool.submit(cancel, desk, job)
        desk.emulator.wait(operation="cancel", stage="received", count=1)
        happening()
        desk.emulator.advance(HELD_UP)
        return cancelling.result()


def test_two_cancels_at_once_both_say_that_it_is_cancelled(queueing: Desk, capsys: pytest.CaptureFixture[str]):
    leave(queueing, "runs")
    job = leave(queueing, "queues")
    others: list[int] = []
    code = cancel_while(queueing, job, lambda: others.append(cancel(queueing, job)))

    told = f"provider task {job.provider_task_id} is cancelled; nothing is billed."
    assert (code, others) == (0, [0])
    assert capsys.readouterr().out.count(told) == 2
    assert queueing.record(job, "001-settled")["state"] == "cancelled"


def test_what_was_cancelled_in_the_console_is_told_and_settled(queueing: Desk, capsys: pytest.CaptureFixture[str]):
    leave(queueing, "runs")
    job = leave(queueing, "queues")
    # As when the answer to a first cancel was lost.
    queueing.fault(fault("cancel", "answer", status=503, when="after", times=1))
    assert cancel(queueing, job) == 1
    assert "runs on" in capsys.readouterr().err
    assert cancel(queueing, job) == 0
    assert "is cancelled; nothing is billed" in capsys.readouterr().out
    assert queueing.record(job, "001-settled")["state"] == "cancelled"
