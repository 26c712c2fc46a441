"""Limits this machine keeps between processes: who holds a slot, who gets a killed holder's, and whose turn it is."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.admission import machine as module
from flows.admission.limits import OwnLimits
from flows.admission.machine import MachineLimits
from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import Quotas, Source
from flows.rules.records import Endpoint

pytestmark = pytest.mark.anyio

QUOTAS = Quotas(
    submits_per_second=200,
    running=5,
    queued=500,
    queries_per_second=400,
    min_poll_seconds=0,
    source=Source(page="a page", date="2026-11-20"),
)
ENDPOINT = Endpoint(
    provider=Provider.DASHSCOPE, model=WAN, region="cn-beijing", base_url="https://x.example", account="dashscope-1"
)

HOLDER = """
import asyncio, sys
from pathlib import Path
from flows.admission.limits import OwnLimits
from flows.admission.machine import MachineLimits
from tests.flows.admission.test_machine import ENDPOINT, QUOTAS

async def hold():
    async with MachineLimits(Path(sys.argv[1]), OwnLimits(running=int(sys.argv[2]))).slot(ENDPOINT, QUOTAS):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""

PACER = """
import asyncio, sys
from pathlib import Path
from flows.admission.limits import OwnLimits
from flows.admission.machine import MachineLimits
from tests.flows.admission.test_machine import ENDPOINT, QUOTAS

async def submit():
    limits = MachineLimits(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        async with limits.submit_turn(ENDPOINT, QUOTAS):
            pass

asyncio.run(submit())
"""


def process(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)


def line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def let_go(running: subprocess.Popen[str]) -> None:
    running.communicate("\n")
    assert running.returncode == 0


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_AGAIN_SECONDS", 0.01)


#: So long a slot that is taken is asked for, before the test believes it.
TAKEN_SECONDS = 0.1


async def is_free(limits: MachineLimits, endpoint: Endpoint = ENDPOINT, seconds: float = 30) -> bool:
    try:
        async with asyncio.timeout(seconds), limits.slot(endpoint, QUOTAS):
            return True
    except TimeoutError:
        return False


async def test_there_are_two_more_slots_than_run_at_once_if_the_provider_queues(tmp_path):
    assert MachineLimits(tmp_path).slots(QUOTAS) == 7
    assert MachineLimits(tmp_path).slots(QUOTAS.model_copy(update={"queued": 0})) == 5
    assert MachineLimits(tmp_path, OwnLimits(running=3)).slots(QUOTAS) == 3


async def test_never_more_hold_a_slot_than_there_are(tmp_path):
    first, second = MachineLimits(tmp_path, OwnLimits(running=3)), MachineLimits(tmp_path, OwnLimits(running=3))
    holding, most = 0, 0

    async def hold(limits: MachineLimits) -> None:
        nonlocal holding, most
        async with limits.slot(ENDPOINT, QUOTAS):
            holding += 1
            most = max(most, holding)
            await asyncio.sleep(0)
            holding -= 1

    await asyncio.gather(*(hold(limits) for limits in (first, second) for _ in range(20)))
    assert (holding, most) == (0, 3)


async def test_a_slot_is_given_back_when_its_job_fails(tmp_path):
    limits = MachineLimits(tmp_path, OwnLimits(running=1))
    with pytest.raises(ZeroDivisionError):
        async with limits.slot(ENDPOINT, QUOTAS):
            raise ZeroDivisionError
    assert await is_free(limits)


async def test_slots_are_shared_by_processes_and_freed_by_any_death(tmp_path):
    holders = [process(HOLDER, tmp_path, 2) for _ in range(2)]
    assert [line(holder) for holder in holders] == ["held", "held"]
    here = MachineLimits(tmp_path, OwnLimits(running=2))
    assert not await is_free(here, seconds=TAKEN_SECONDS)
    holders[0].send_signal(signal.SIGKILL)
    holders[0].communicate()
    assert await is_free(here)
    async with here.slot(ENDPOINT, QUOTAS):
        assert not await is_free(MachineLimits(tmp_path, OwnLimits(running=2)), seconds=TAKEN_SECONDS)
    let_go(holders[1])


async def test_accounts_and_models_have_slots_of_their_own(tmp_path):
    limits = MachineLimits(tmp_path, OwnLimits(running=1))
    async with limits.slot(ENDPOINT, QUOTAS):
        assert not await is_free(limits, seconds=TAKEN_SECONDS)
        assert await is_free(limits, ENDPOINT.model_copy(update={"model": HAPPYHORSE}))
        assert await is_free(limits, ENDPOINT.model_copy(update={"account": "dashscope-2"}))


async def test_the_pace_holds_across_processes(tmp_path):
    turns_each = 15
    pacers = [process(PACER, tmp_path, turns_each) for _ in range(3)]
    assert [line(pacer) for pacer in pacers] == ["ready"] * 3
    start = time.time()
    for pacer in pacers:
        assert pacer.stdin is not None
        pacer.stdin.write("\n")
        pacer.stdin.flush()
    for pacer in pacers:
        let_go(pacer)
    assert next_turn(tmp_path / "dashscope-1" / WAN / "submits") >= start + 3 * turns_each / 200


async def test_turns_of_one_process_follow_each_other_at_the_rate(tmp_path):
    limits, start = MachineLimits(tmp_path, OwnLimits(submits_per_second=500)), time.time()

    async def submit() -> None:
        async with limits.submit_turn(ENDPOINT, QUOTAS):
            pass

    await asyncio.gather(*(submit() for _ in range(20)))
    assert next_turn(tmp_path / "dashscope-1" / WAN / "submits") >= start + 20 / 500
    assert time.time() >= start + 19 / 500


async def test_looks_of_all_models_of_an_account_share_one_pace(tmp_path):
    limits, start = MachineLimits(tmp_path, OwnLimits(queries_per_second=500)), time.time()
    other = ENDPOINT.model_copy(update={"model": HAPPYHORSE})
    await asyncio.gather(*(limits.query_turn(where, QUOTAS) for where in (ENDPOINT, other) for _ in range(10)))
    assert next_turn(tmp_path / "dashscope-1" / "queries") >= start + 20 / 500


def test_turns_are_booked_one_interval_apart_however_slow_the_rate(tmp_path):
    waits = [module._book_turn(tmp_path / "submits", 100) for _ in range(4)]
    assert waits[0] == 0
    assert waits[1:] == pytest.approx([100, 200, 300], abs=5)


def test_a_turn_booked_by_a_clock_that_was_set_back_is_not_waited_for(tmp_path):
    (tmp_path / "submits").write_text(f"{time.time() + 3600:.6f}")
    assert module._book_turn(tmp_path / "submits", 0.2) == 0


@pytest.mark.parametrize("rest", ["", "not a number", "\0" * 32, "nan"])
def test_a_file_that_says_nothing_does_not_stop_the_pace(tmp_path, rest):
    (tmp_path / "submits").write_text(rest)
    assert module._book_turn(tmp_path / "submits", 10) == 0
    assert module._book_turn(tmp_path / "submits", 10) == pytest.approx(10, abs=5)


def next_turn(path: Path) -> float:
    return float(path.read_text())
