"""The same work started twice at once: each job once, and everybody is told the same."""

from typing import Any

from deployments.emulator import Fault
from tests.guarantees.command import Team
from tests.guarantees.evidence import assert_published, tasks_of

RUNS_ON = Fault.model_validate({"operation": "get", "does": {"kind": "report", "status": "RUNNING"}})
NAMES = ["one", "two", "three", "folder/four"]


def manifest_of(team: Team) -> str:
    return team.manifest(*(team.job(name) for name in NAMES[:-1]), team.job(NAMES[-1], provider="apiyi"))


def assert_each_once(team: Team) -> None:
    for name in NAMES:
        assert len(tasks_of(team, name)) == 1
        assert_published(team, name)


def without_owner(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the jobs of a report but for what is each run's own: what it created, and what took it how long."""
    own = ("created", "seconds")
    return [{field: value for field, value in job.items() if field not in own} for job in report["jobs"]]


def assert_two_batches_agree(team: Team) -> None:
    """Starts the same batch twice at once, and asserts that each job is paid for once and both tell the same."""
    manifest = manifest_of(team)
    both = [team.start("batch", manifest, "--json") for _ in range(2)]
    one, other = (working.done() for working in both)
    assert (one.code, other.code) == (0, 0), one.said + other.said
    assert without_owner(one.json) == without_owner(other.json)
    assert one.json["created"] + other.json["created"] == len(NAMES)
    assert_each_once(team)


def test_two_batches_at_once_pay_for_each_job_once_and_end_with_the_same_report(team: Team):
    assert_two_batches_agree(team)


def test_a_sweep_and_the_same_batch_again_leave_a_running_batch_its_work(team: Team):
    manifest = manifest_of(team)
    team.emulator.set_faults([RUNS_ON])
    first = team.start("batch", manifest, "--json")
    team.emulator.wait(operation="get", count=len(NAMES))
    swept = team.run("sweep", "--json")
    assert (swept.code, swept.json["jobs"]) == (0, [])
    second = team.start("batch", manifest, "--json")
    team.emulator.set_faults([])
    one, other = first.done(), second.done()
    assert (one.code, other.code) == (0, 0), one.said + other.said
    assert without_owner(one.json) == without_owner(other.json)
    assert (one.json["created"], other.json["created"]) == (len(NAMES), 0)
    assert_each_once(team)
