"""One account, one Prefect server, two machines: the provider's books show that the limits hold for both together."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from blocks.clients.provider import account_alias
from deployments.emulator import AuditEntry, Emulator
from flows.rules.job import Provider
from tests.guarantees.command import Team
from tests.guarantees.conftest import CLOCK_SCALE
from tests.prefect_server import PrefectServer

RUNNING, SUBMITS_PER_SECOND = 3, 2
JOBS_EACH = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    with PrefectServer(tmp_path_factory.mktemp("prefect")) as running:
        yield running


def most_alive(entries: Sequence[AuditEntry]) -> int:
    """Returns how many provider tasks were created and not yet known to be over, at most."""
    changes = sorted(
        change for entry in entries for change in ((entry.submitted_at, 1), (entry.told_over_at or float("inf"), -1))
    )
    alive = most = 0
    for _, change in changes:
        alive += change
        most = max(most, alive)
    return most


def test_two_machines_with_one_account_keep_its_limits_together(
    provider: Emulator, hire: Callable[[Emulator, Path], Team], server: PrefectServer, tmp_path: Path
) -> None:
    provider.reset()
    machines = [hire(provider, tmp_path / name) for name in ("one", "other")]
    for machine in machines:
        machine.folder.mkdir()
    working = [
        machine.start(
            "batch",
            machine.manifest(*(machine.job(f"{machine.folder.name} {number}") for number in range(JOBS_EACH))),
            "--json",
            PREFECT_API_URL=server.url,
            RECUT_HOME=str(machine.folder / "home"),
            RECUT_LIMITS="server",
            RECUT_MAX_RUNNING=str(RUNNING),
            RECUT_SUBMITS_PER_SECOND=str(SUBMITS_PER_SECOND),
        )
        for machine in machines
    ]
    for done in [each.done(250) for each in working]:
        assert done.code == 0, done.said

    entries = sorted(provider.audit(), key=lambda entry: entry.submitted_at)
    assert len(entries) == 2 * JOBS_EACH
    assert most_alive(entries) <= RUNNING
    seconds = (entries[-1].submitted_at - entries[0].submitted_at) / CLOCK_SCALE
    assert seconds >= len(entries) / SUBMITS_PER_SECOND - 1.5
    running = f"recut-running-{account_alias(Provider.DASHSCOPE, machines[0].key)}-{entries[0].model}"
    limit = server.limit(running)
    assert limit is not None
    assert (limit["limit"], limit["active_slots"]) == (RUNNING, 0)
