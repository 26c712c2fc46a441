"""What a sweep does about results that the provider soon deletes."""

import asyncio
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.rules.states import JobState
from flows.telling.reports import BatchReport
from tests.conftest import CLOCK_SCALE
from tests.flows.trouble.desk import Desk, reported
from tests.flows.trouble.test_resume import leave_running

HOUR = 3600


def sweep(desk: Desk) -> BatchReport:
    from flows.sweep import sweep

    return asyncio.run(reported(sweep(desk.run_options(), return_state=True)))


def age(desk: Desk, hours: float, **by: Any) -> str:
    """Lets the one provider task there is succeed and so many hours pass, and returns its job's key."""
    desk.emulator.wait(status="SUCCEEDED")
    desk.emulator.advance(hours * HOUR)
    (folder,) = (path for path in desk.journal.iterdir() if (path / "001-intent.json").exists())
    for record in folder.glob("*.json"):
        said = json.loads(record.read_text())
        said["at"] = (datetime.fromisoformat(said["at"]) - timedelta(hours=hours) / CLOCK_SCALE).isoformat()
        said["by"] |= by
        record.write_text(json.dumps(said))
    return folder.name


def told_to_expire(prefect: str, job_key: str) -> list[dict[str, Any]]:
    """Returns what the Prefect server was told of a job that expires, once it was told anything."""

    async def ask() -> list[dict[str, Any]]:
        resource = {"id": [f"recut.job.{job_key}"]}
        async with get_client() as client:
            while True:
                found = await client.request("POST", "/events/filter", json={"filter": {"resource": resource}})
                if events := found.json()["events"]:
                    return events
                await asyncio.sleep(0.2)

    return asyncio.run(asyncio.wait_for(ask(), 60))


def test_a_paid_result_with_less_than_three_hours_left_is_told_and_fetched(desk: Desk, prefect: str):
    leave_running(desk)
    job_key = age(desk, 21.5)
    (job,) = sweep(desk).jobs

    assert (job.job_key, job.state, desk.asked("create")) == (job_key, JobState.PUBLISHED, 1)
    (event,) = told_to_expire(prefect, job_key)
    assert event["event"] == "recut.result.expiring"
    assert event["payload"]["provider_task_id"] == job.provider_task_id
    assert 2 * HOUR < event["payload"]["seconds_left"] < 3 * HOUR


@pytest.mark.parametrize(("hours", "finished"), [(1, 0), (21.5, 1)])
def test_a_job_whose_run_seems_alive_is_left_to_it_until_its_result_expires_soon(
    desk: Desk, hours: float, finished: int
):
    leave_running(desk)
    age(desk, hours, process=os.getppid())

    assert sweep(desk).succeeded == finished
    assert len(list(Path(desk.results).glob("*.mp4"))) == finished


def test_what_the_provider_has_deleted_is_closed_and_said(desk: Desk):
    leave_running(desk)
    age(desk, 25)
    (job,) = sweep(desk).jobs

    assert job.error is not None
    assert "24 hours" in job.error.message
    assert sweep(desk).jobs == []
