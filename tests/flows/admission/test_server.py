"""Limits a real Prefect server keeps: between processes, through kills, lost leases, and its own restart."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flows.admission import leases
from flows.admission.limits import LimitsUnreachable, OwnLimits
from flows.admission.server import ServerLimits
from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import Quotas, Source
from flows.rules.records import Endpoint
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.anyio

QUOTAS = Quotas(
    submits_per_second=5,
    running=5,
    queued=500,
    queries_per_second=20,
    min_poll_seconds=0,
    source=Source(page="a page", date="2026-11-20"),
)
_accounts = itertools.count()

HOLDER = """
import asyncio, sys
from flows.admission.limits import OwnLimits
from flows.admission.server import ServerLimits
from flows.rules.records import Endpoint
from tests.flows.admission.test_server import QUOTAS

async def hold():
    limits = ServerLimits(OwnLimits(running=2))
    async with limits.slot(Endpoint.model_validate_json(sys.argv[1]), QUOTAS):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await limits.close()

asyncio.run(hold())
"""

PACER = """
import asyncio, sys, time
from flows.admission.server import ServerLimits
from flows.rules.records import Endpoint
from tests.flows.admission.test_server import QUOTAS

async def submit():
    limits, where = ServerLimits(), Endpoint.model_validate_json(sys.argv[1])
    async def one():
        async with limits.submit_turn(where, QUOTAS) as begins:
            now = time.monotonic()
            begins()
            print(now, flush=True)
    await asyncio.gather(*(one() for _ in range(int(sys.argv[2]))))
    await limits.close()

asyncio.run(submit())
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with PrefectServer(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    monkeypatch.setattr(leases, "ASK_AGAIN_SECONDS", (0.02, 0.05))
    with running.used():
        yield running


@pytest.fixture
def where() -> Endpoint:
    return Endpoint(
        provider=Provider.DASHSCOPE,
        model=WAN,
        region="cn-beijing",
        base_url="https://x.example",
        account=f"dashscope-{next(_accounts)}",
    )


def name(where: Endpoint, what: str = "running") -> str:
    return f"recut-{what}-{where.account}-{where.model}"


@asynccontextmanager
async def limits(running: int | None = None) -> AsyncIterator[ServerLimits]:
    made = ServerLimits(OwnLimits(running=running))
    try:
        yield made
    finally:
        await made.close()


def process(server: PrefectServer, script: str, where: Endpoint, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, where.model_dump_json(), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"PREFECT_API_URL": server.url},
    )


#: So long a slot that is taken is asked for, before the test believes it.
TAKEN_SECONDS = 0.5


async def is_free(limits: ServerLimits, where: Endpoint, seconds: float = 30) -> bool:
    try:
        async with asyncio.timeout(seconds), limits.slot(where, QUOTAS):
            return True
    except TimeoutError:
        return False


async def test_the_limit_is_made_under_a_readable_name_and_follows_the_setting(server, where):
    async with limits() as first, first.slot(where, QUOTAS):
        assert server.limit(name(where))["limit"] == 7
        assert server.limit(name(where))["active_slots"] == 1
    async with limits(running=3) as second, second.slot(where, QUOTAS):
        assert server.limit(name(where))["limit"] == 3
    assert server.limit(name(where))["active_slots"] == 0


async def test_never_more_hold_a_slot_than_there_are_whoever_asks(server, where):
    holding, most = 0, 0

    async def hold(limits: ServerLimits) -> None:
        nonlocal holding, most
        async with limits.slot(where, QUOTAS):
            holding += 1
            most = max(most, holding)
            await asyncio.sleep(0.01)
            holding -= 1

    async with limits(running=3) as first, limits(running=3) as second:
        await asyncio.gather(*(hold(one) for one in (first, second) for _ in range(10)))
    assert (holding, most) == (0, 3)
    assert server.limit(name(where))["active_slots"] == 0


async def test_within_a_process_slots_are_had_in_the_order_they_were_asked_for(server, where):
    order = []

    async def hold(number: int) -> None:
        async with one.slot(where, QUOTAS):
            order.append(number)

    async with limits(running=1) as one:
        await asyncio.gather(*(hold(number) for number in range(6)))
    assert order == list(range(6))


async def test_a_process_passes_its_slot_on_for_a_while_and_then_lets_others_have_it(server, where, monkeypatch):
    monkeypatch.setattr(leases, "TENURE_SECONDS", 0)
    async with limits(running=1) as greedy, limits(running=1) as other:
        stop = asyncio.Event()

        async def again_and_again() -> None:
            while not stop.is_set():
                async with greedy.slot(where, QUOTAS):
                    await asyncio.sleep(0)

        work = [asyncio.create_task(again_and_again()) for _ in range(4)]
        async with asyncio.timeout(60), other.slot(where, QUOTAS):
            stop.set()
        await asyncio.gather(*work)


async def test_a_killed_process_frees_its_slots_when_its_leases_run_out(server, where):
    holders = [process(server, HOLDER, where) for _ in range(2)]
    for holder in holders:
        assert holder.stdout.readline() == "held\n"
    async with limits(running=2) as here:
        holders[0].send_signal(signal.SIGKILL)
        holders[0].communicate()
        assert not await is_free(here, where, seconds=TAKEN_SECONDS)
        holders[1].communicate()
        assert server.limit(name(where))["active_slots"] == 1
        server.let_leases_run_out()
        async with here.slot(where, QUOTAS), here.slot(where, QUOTAS):
            assert server.limit(name(where))["active_slots"] == 2


async def test_slots_outlive_a_restart_of_the_server(server, where, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.1)
    async with limits(running=1) as here, limits(running=1) as other:
        async with here.slot(where, QUOTAS):
            server.kill()
            server.start()
            assert server.limit(name(where))["active_slots"] == 1
            assert not await is_free(other, where, seconds=TAKEN_SECONDS)
        async with other.slot(where, QUOTAS):
            assert server.limit(name(where))["active_slots"] == 1


async def test_what_runs_goes_on_without_its_lease_but_nothing_is_created_until_it_is_back(server, where):
    async with limits(running=1) as here, limits(running=1) as other, here.slot(where, QUOTAS):
        server.let_leases_run_out()
        async with other.slot(where, QUOTAS):  # somebody else was quicker than the renewal
            await here._keeper.renew_all()
            turn = asyncio.create_task(_submit(here, where))
            assert (await asyncio.wait([turn], timeout=0.5))[1]
        await turn
        assert server.limit(name(where))["active_slots"] == 1
    assert server.limit(name(where))["active_slots"] == 0


async def _hold(limits: ServerLimits, where: Endpoint) -> None:
    async with limits.slot(where, QUOTAS):
        pass


async def _submit(limits: ServerLimits, where: Endpoint) -> None:
    async with limits.submit_turn(where, QUOTAS):
        pass


async def test_a_limit_that_somebody_deletes_is_made_again(server, where):
    async with limits(running=1) as here:
        async with here.slot(where, QUOTAS):
            server.delete_limit(name(where))
        async with asyncio.timeout(60), here.slot(where, QUOTAS):
            assert server.limit(name(where))["active_slots"] == 1


async def test_without_an_answer_from_the_server_nothing_is_let_through(where, monkeypatch, tmp_path):
    monkeypatch.setattr(leases, "PATIENCE_SECONDS", 0)
    with PrefectServer(tmp_path).used():  # never started
        async with limits() as here:
            with pytest.raises(LimitsUnreachable, match=name(where)):
                await _hold(here, where)


async def test_never_more_creates_begin_in_a_second_than_the_rate_in_whatever_process(server, where):
    pacers = [process(server, PACER, where, 10) for _ in range(2)]
    begun = sorted(float(line) for pacer in pacers for line in pacer.communicate()[0].split())
    assert len(begun) == 20
    assert min(later - earlier for earlier, later in zip(begun, begun[5:], strict=False)) > 0.9999


async def test_looks_are_shared_out_by_the_slots_held(server, where):
    loop = asyncio.get_running_loop()
    async with limits(running=4) as here, here.slot(where, QUOTAS), here.slot(where, QUOTAS):
        begun = loop.time()
        for _ in range(5):
            await here.query_turn(where, QUOTAS)
        # 20 a second for both models and six shares, of which two slots are held here.
        assert loop.time() - begun >= 4 / (20 / 2 * 2 / 6)


async def test_accounts_and_models_have_slots_of_their_own(server, where):
    async with limits(running=1) as here, here.slot(where, QUOTAS):
        assert not await is_free(here, where, seconds=TAKEN_SECONDS)
        assert await is_free(here, where.model_copy(update={"model": HAPPYHORSE}))
        assert await is_free(here, where.model_copy(update={"account": f"dashscope-{next(_accounts)}"}))
