"""A full disk, a folder that turned read-only, a corrupt record: told plainly, costing nothing twice, mended later."""

import pytest

from tests.guarantees.command import Team
from tests.guarantees.evidence import (
    assert_no_part_is_a_result,
    assert_nothing_twice,
    assert_published,
    kinds,
    records_of,
    tasks_of,
)

NAMES = [
    "healthy",
    "no room for the intent",
    "little room for the id",
    "no room for the result",
    "read-only",
    "corrupt",
]
ALWAYS = 1000
GARBAGE = b'{"kind": "intent", "atte'


@pytest.fixture(scope="module")
def s3() -> None:
    """These are troubles of a disk, wherever the other guarantees are tried."""


@pytest.fixture
def manifest(team: Team) -> str:
    return team.manifest(*(team.job(name) for name in NAMES))


def test_storage_that_fails_stops_its_jobs_before_they_cost_or_keeps_what_is_paid(team: Team, manifest: str):
    keys = {job["name"]: job["job_key"] for job in team.run("plan", manifest, "--json").json["jobs"]}
    corrupt = team.results / ".recut" / "journal" / keys["corrupt"] / "001-intent.json"
    corrupt.parent.mkdir(parents=True)
    corrupt.write_bytes(GARBAGE)

    told = team.batch(
        manifest,
        failing=[
            f"ENOSPC {ALWAYS} os.link *{keys['no room for the intent']}/*",
            f"ENOSPC 3 os.link *{keys['little room for the id']}/*-submitted.json",
            f"ENOSPC {ALWAYS} os.rename *no room for the result.mp4",
            f"EROFS {ALWAYS} os.rename *read-only.json",
        ],
    )

    assert {name: job["state"] for name, job in told.items()} == {
        "healthy": "published",
        "no room for the intent": "failed",
        "little room for the id": "published",
        "no room for the result": "running",
        "read-only": "running",
        "corrupt": "failed",
    }
    made = {name: len(tasks_of(team, name)) for name in NAMES}
    assert made == {name: 0 if name in ("no room for the intent", "corrupt") else 1 for name in NAMES}
    for name, cause in {
        "no room for the intent": "No space left on device",
        "no room for the result": "No space left on device",
        "read-only": "Read-only file system",
        "corrupt": str(corrupt),
    }.items():
        error = told[name]["error"]
        assert error["code"] == "StorageFailed"
        assert cause in error["message"]
        money = (
            f"provider task {told[name]['provider_task_id']} is recorded, is billed once if it succeeds"
            if made[name]
            else "nothing was created"
        )
        assert money in error["message"]
    assert corrupt.read_bytes() == GARBAGE
    assert_no_part_is_a_result(team)

    corrupt.unlink()
    assert kinds(records_of(team)["no room for the result"]) == ["1 intent", "1 submitted"]
    assert {job["state"] for job in team.batch(manifest).values()} == {"published"}
    assert_nothing_twice(team)
    for name in NAMES:
        assert len(tasks_of(team, name)) == 1
        assert_published(team, name)
