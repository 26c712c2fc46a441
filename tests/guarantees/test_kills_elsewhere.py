"""kill -9 of the other commands: a single edit, a sweep, and two workers that die in turn."""

import signal

import pytest

from deployments.emulator import Fault
from tests.guarantees.command import Team
from tests.guarantees.evidence import assert_no_part_is_a_result, assert_nothing_twice, assert_published, tasks_of
from tests.guarantees.killing import Moment, hang, kill

LOST = Moment("lost", fault=hang("create", "after"), awaited=("create", "settled", 1))
UNSEEN = Moment("unseen", fault=hang("get"), awaited=("get", "received", 1))
UNNAMED = Moment("unnamed", dying=("os.rename *.mp4",), upload=("before", "*.mp4"))


@pytest.mark.parametrize("moment", [LOST, UNNAMED], ids=lambda moment: moment.told)
def test_an_edit_that_is_killed_is_finished_by_the_same_command(team: Team, moment: Moment):
    command = ["edit", team.clip, "--prompt", moment.name, "--name", moment.name, "--json"]
    kill(team, moment, *command)
    assert team.run(*command).code == 0
    assert len(tasks_of(team, moment.name)) == 1
    assert_published(team, moment.name)


def test_a_sweep_that_is_killed_again_and_again_is_finished_by_the_next(team: Team):
    for moment in (LOST, UNSEEN):
        kill(team, moment, "batch", team.manifest(moment.job(team), name=moment.name))
    for moment in (
        Moment("reading the list", fault={**hang("list"), "prompt": None}, awaited=("list", "received", 1)),
        Moment("adopting", dying=("os.link *-submitted.json",), upload=("before", "*-submitted.json")),
        Moment("publishing", dying=("os.rename *.mp4",), upload=("before", "*.mp4")),
        Moment("settling", dying=("os.link *-settled.json",), upload=("before", "*-settled.json")),
    ):
        kill(team, moment, "sweep")
    swept = team.run("sweep", "--json")
    assert swept.code == 0, swept.said
    assert team.states() == {"lost": "published", "unseen": "published"}
    for moment in (LOST, UNSEEN):
        assert len(tasks_of(team, moment.name)) == 1
        assert_published(team, moment.name)
    assert team.run("sweep", "--json").json["jobs"] == []


def test_two_workers_that_die_in_turn_leave_their_work_to_each_other(team: Team):
    names = ["one", "two"]
    manifest = team.manifest(*(team.job(name) for name in names))
    team.emulator.set_faults(
        [Fault.model_validate({**hang("create", "after"), "prompt": name, "times": 1}) for name in names]
    )
    first, second = team.start("batch", manifest), team.start("batch", manifest)
    # Both creates are accepted and neither is answered; whichever worker owns one, it dies now or next.
    team.emulator.wait(operation="create", count=2)
    first.stop(signal.SIGKILL)
    third = team.start("batch", manifest, "--json")
    second.stop(signal.SIGKILL)
    fourth = team.start("batch", manifest, "--json")
    for worker in (third, fourth):
        done = worker.done()
        assert done.code == 0, done.said
    assert_nothing_twice(team)
    assert_no_part_is_a_result(team)
    for name in names:
        assert len(tasks_of(team, name)) == 1
        assert_published(team, name)
