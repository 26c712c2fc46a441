"""Two runs of one job at once, and runs that are killed in the middle: still one create."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.rules.states import JobState
from flows.telling.reports import JobReport
from tests.flows.trouble.desk import PROMPT, WAN, Desk, fault

#: Runs a manifest in a process of its own, as a second terminal or another worker would.
RUN = """
import asyncio, sys
from flows.edit_batch import edit_batch
from flows.running.settings import RunOptions
state = asyncio.run(edit_batch(sys.argv[1], RunOptions(results=sys.argv[2]), return_state=True))
sys.exit(asyncio.run(state.aresult(raise_on_failure=False)).exit_code)
"""


def start(desk: Desk, prefect: str, *jobs: dict[str, object]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", RUN, str(desk.manifest(jobs)), str(desk.results)]
    return subprocess.Popen(command, env={**os.environ, "PREFECT_API_URL": prefect}, stderr=subprocess.DEVNULL)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_two_runs_of_one_job_in_one_process_create_once(desk: Desk):
    async def both() -> None:
        jobs = await asyncio.gather(*(desk.editing(desk.job()) for _ in range(2)))
        assert [job.state for job in jobs] == [JobState.PUBLISHED] * 2
        assert len({job.provider_task_id for job in jobs}) == 1

    asyncio.run(both())
    assert desk.asked("create") == 1
    assert len(desk.published()) == 1


def test_two_runs_of_one_job_in_two_processes_create_once(desk: Desk, prefect: str):
    processes = [start(desk, prefect, desk.job()) for _ in range(2)]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert desk.asked("create") == 1
    assert len(desk.published()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_while_its_create_was_under_way_is_reconciled_by_the_next(desk: Desk, prefect: str, when: str):
    desk.fault(fault("create", "hang", when=when, times=1))
    process = start(desk, prefect, desk.job(PROMPT))
    desk.emulator.wait(operation="create", stage="settled")
    kill(process)
    job = desk.edit(PROMPT)

    assert job.state is (JobState.PUBLISHED if when == "after" else JobState.HELD)
    assert desk.asked("create") == 1
    assert len(desk.billed()) == (1 if when == "after" else 0)
    if when == "after":
        assert desk.records(job) == ["001-intent", "001-settled", "001-submitted"]


def test_a_run_killed_while_apiyis_create_was_under_way_holds_the_job(desk: Desk, prefect: str):
    desk.fault(fault("create", "hang", when="after", times=1))
    process = start(desk, prefect, desk.job(provider="apiyi"))
    desk.emulator.wait(operation="create", stage="settled")
    kill(process)
    job = desk.edit(provider="apiyi")

    assert job.state is JobState.HELD
    assert job.error is not None
    assert "the process stopped before it had an answer" in job.error.message
    assert desk.asked("create", "apiyi") == 1


def test_a_run_killed_while_it_waited_is_taken_up_without_another_create(desk: Desk, prefect: str):
    desk.fault(fault("create", "fate", ends="stays_pending", times=1))
    process = start(desk, prefect, desk.job(model=WAN))
    desk.emulator.wait(operation="get", count=2)
    kill(process)
    desk.fault(fault("get", "report", status="RUNNING", times=1))

    def three_hours_pass() -> None:
        desk.emulator.wait(operation="get", count=4)
        desk.emulator.advance(3 * 3600 + 1)

    job = desk.meanwhile(PROMPT, three_hours_pass, model=WAN)

    assert job.state is JobState.PUBLISHED
    assert [task.status for task in desk.made()] == ["FAILED", "SUCCEEDED"]


def test_a_run_killed_while_it_downloaded_is_finished_without_another_create(desk: Desk, prefect: str):
    desk.fault(fault("result", "hang", times=1))
    process = start(desk, prefect, desk.job())
    desk.emulator.wait(operation="result")
    kill(process)
    job = desk.edit()

    assert (job.state, job.created) == (JobState.PUBLISHED, False)
    assert desk.asked("create") == 1
    assert desk.made()[0].downloads == 1


def test_two_jobs_that_wish_for_one_name_at_the_same_moment_overwrite_nothing_of_each_other(desk: Desk):
    async def both() -> list[JobReport]:
        edits = (desk.editing(desk.job(prompt, name="same")) for prompt in ("make it clay", "make it snow"))
        return list(await asyncio.gather(*edits))

    one, other = asyncio.run(both())

    assert len({one.result, other.result}) == len(desk.published()) == 2
    assert f"{desk.results}/same.mp4" in (one.result, other.result)
    for job in (one, other):
        assert job.result is not None
        content = Path(job.result).read_bytes()
        assert desk.sidecar(job)["result"]["sha256"] == hashlib.sha256(content).hexdigest()
