"""A provider whose clock is an hour off, at real speed: nothing is paid twice, lost, or given up."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, Fault, RunTime
from tests.guarantees.command import Team
from tests.guarantees.evidence import assert_published, records_of, tasks_of

#: Accepted, and the connection reset before the answer: only the list, with its times, tells.
LOST = Fault.model_validate({"operation": "create", "prompt": "lost", "does": {"kind": "reset", "when": "after"}})
RUN_TIMES = {WAN: RunTime(median=0), HAPPYHORSE: RunTime(median=0)}


def test_a_provider_clock_an_hour_off_changes_nothing(hire: Callable[[Emulator, Path], Team], tmp_path: Path):
    with ExitStack() as stack:
        teams = []
        for skew in (-3600, 3600):
            config = EmulatorConfig(
                port=0, effort="quick", clock_skew_seconds=skew, run_times=RUN_TIMES, faults=[LOST], seed=skew
            )
            teams.append(hire(stack.enter_context(Emulator(config)), tmp_path / str(skew)))
        working = [team.start("batch", team.manifest(team.job("plain"), team.job("lost")), "--json") for team in teams]
        for team, batch in zip(teams, working, strict=True):
            done = batch.done()
            assert done.code == 0, done.said
            for name in ("plain", "lost"):
                assert len(tasks_of(team, name)) == 1
                assert_published(team, name)
            assert [record["adopted"] for record in records_of(team)["lost"] if record["kind"] == "submitted"] == [True]
