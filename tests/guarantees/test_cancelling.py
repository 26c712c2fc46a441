"""Stopping: by Ctrl-C, by a service's SIGTERM, by cancelling at the provider, by giving a job up."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, Fault, RunTime
from deployments.emulator.config import Limits
from tests.guarantees.command import Team
from tests.guarantees.conftest import CLOCK_SCALE
from tests.guarantees.evidence import assert_published, billed, spent, tasks_of

#: Longer in provider seconds than any of these tests.
LONG = 5000


@pytest.fixture
def narrow(hire: Callable[[Emulator, Path], Team], tmp_path: Path):
    """A team whose account runs two provider tasks at a time, for long; others queue."""
    times = {model: RunTime(median=LONG) for model in (WAN, HAPPYHORSE)}
    config = EmulatorConfig(
        port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=times, limits=Limits(running=2, wall_seconds=None)
    )
    with Emulator(config) as emulator:
        yield hire(emulator, tmp_path)


def test_what_is_stopped_cancelled_or_given_up_is_told_apart_and_the_rest_is_finished(narrow: Team):
    team = narrow
    manifest = team.manifest(*(team.job(name) for name in ("runs", "given up", "queues")))
    # Creates one after the other, so that the last one queues.
    team.emulator.set_faults(
        [
            Fault.model_validate(
                {"operation": "create", "prompt": "queues", "times": 1, "does": {"kind": "delay", "seconds": 60}}
            )
        ]
    )
    for stop in (signal.SIGINT, signal.SIGTERM):
        asked = team.emulator.counters().operations.get("dashscope get")
        working = team.start("batch", manifest)
        team.emulator.wait(status="RUNNING", count=2)
        team.emulator.wait(status="PENDING", count=1)
        team.emulator.wait(operation="get", count=(asked.received if asked else 0) + 3)
        stopped = working.stop(stop)
        assert stopped.code == 130
        assert "Run the same command again to pick them up: nothing is created twice." in stopped.err
        assert "Traceback" not in stopped.said
        assert team.states() == {"runs": "running", "given up": "running", "queues": "running"}

    (queued,) = tasks_of(team, "queues")
    assert queued.status == "PENDING"
    cancelled = team.run("cancel", "queues")
    assert (cancelled.code, cancelled.out) == (
        0,
        f"queues: provider task {queued.provider_task_id} is cancelled; nothing is billed.\n",
    )
    assert tasks_of(team, "queues")[0].status == "CANCELED"
    refused = team.run("cancel", "runs")
    assert refused.code == 1
    assert "runs already: it will be billed" in refused.out
    assert team.run("resolve", "given up", "--abandon").code == 0

    team.emulator.advance(LONG)
    ended = team.batch(manifest)
    assert {name: job["state"] for name, job in ended.items()} == {
        "runs": "published",
        "given up": "abandoned",
        "queues": "cancelled",
    }
    assert_published(team, "runs")
    assert [len(tasks_of(team, name)) for name in ended] == [1, 1, 1]
    assert tasks_of(team, "given up")[0].downloads == 0
    assert float(billed(team) - spent(team)) == pytest.approx(tasks_of(team, "given up")[0].cost, abs=0.01)
