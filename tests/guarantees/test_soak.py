"""Seeded random faults and kills over many jobs; the only judge is the provider's books and the files.

`make soak` runs it at full length. SOAK_JOBS, SOAK_KILLS and SOAK_SEED change what it does.
"""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.emulator import Emulator, EmulatorConfig
from tests.guarantees.command import Team
from tests.guarantees.conftest import RUN_TIMES
from tests.guarantees.evidence import (
    assert_no_part_is_a_result,
    assert_nothing_twice,
    assert_spend_is_the_bill,
    billed,
    published,
    records_of,
)
from tests.guarantees.soak import Soak

JOBS, KILLS, SEED = (
    int(os.environ.get(f"SOAK_{name}", default)) for name, default in (("JOBS", 60), ("KILLS", 3), ("SEED", 1))
)
#: Slow enough for a day of the provider to outlast the full length: results must not expire meanwhile.
CLOCK_SCALE = 30


@pytest.fixture
def careless(hire: Callable[[Emulator, Path], Team], tmp_path: Path) -> Iterator[Team]:
    config = EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=RUN_TIMES, seed=SEED)
    with Emulator(config) as emulator:
        yield hire(emulator, tmp_path)


def test_whatever_happens_nothing_is_paid_twice_and_nothing_paid_is_lost(careless: Team):
    team, began = careless, time.monotonic()
    soak = Soak(team, JOBS, KILLS, SEED)
    jobs = soak.run().json["jobs"]
    states = Counter(job["state"] for job in jobs)
    tasks, records = team.emulator.audit(), records_of(team)
    adopted = sum(record.get("adopted", False) for each in records.values() for record in each)
    print(
        f"\n{JOBS} jobs, {KILLS} kills, seed {SEED}: {time.monotonic() - began:.0f} s, {soak.runs} runs, "
        f"{len(tasks)} provider tasks {dict(Counter(task.status for task in tasks))}, {adopted} adopted, "
        f"{dict(states)}; {billed(team)} billed at dashscope, {billed(team, 'apiyi')} at apiyi"
    )

    assert sum(states.values()) == JOBS
    assert states.keys() <= {"published", "failed", "held"}
    assert team.states() == {job["name"]: job["state"] for job in jobs if job["name"] in records}
    prompts = {row["name"]: row["prompt"] for row in soak.rows()}
    assert_nothing_twice(team, jobs_per_prompt=Counter(prompts.values()))
    assert_no_part_is_a_result(team)
    assert_spend_is_the_bill(team)

    owners = Counter(
        record["provider_task_id"] for each in records.values() for record in each if record["kind"] == "submitted"
    )
    assert {provider_task_id: count for provider_task_id, count in owners.items() if count > 1} == {}
    for job in jobs:
        if job["state"] == "published":
            (settled,) = published(records[job["name"]])
            assert settled["sha256"] == hashlib.sha256(team.store.read(f"{job['name']}.mp4")).hexdigest()
        else:
            assert job["error"]["message"] and job["error"]["advice"]
    # What succeeded is published by the job that made it, or that job is held and says so.
    fetched = {job["provider_task_id"] for job in jobs if job["state"] == "published"}
    held = Counter(prompts[job["name"]] for job in jobs if job["state"] == "held")
    left = Counter(task.prompt for task in tasks if task.status == "SUCCEEDED" and task.provider_task_id not in fetched)
    assert {prompt: count for prompt, count in left.items() if count > held[prompt]} == {}
    # DashScope's list tells what became of every create but those of equal prompts.
    shared = {prompt for prompt, count in Counter(prompts.values()).items() if count > 1}
    assert {task.prompt for task in tasks if task.provider == "dashscope" and task.prompt in left} <= shared
