"""Stopping a flow run in the main thread: it is cancelled like any work, and the process gets its handler back."""

import asyncio
import os
import signal

import pytest

from flows.running.progress import Stage, Step
from flows.running.stopping import Alive, Stopping


def stopped(stopping: Stopping) -> list[str]:
    """Sends this process a SIGTERM while two runs go on, and returns what they did about it."""
    told: list[str] = []

    async def run(name: str) -> None:
        with stopping.heard():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told.append(name)
                raise

    async def both() -> None:
        runs = [asyncio.ensure_future(run(name)) for name in ("one", "other")]
        await asyncio.sleep(0)
        signal.signal(signal.SIGTERM, _raise)  # as Prefect does with each flow inside a flow
        stopping.hear_again()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait(runs)

    asyncio.run(both())
    return told


def _raise(*_: object) -> None:
    raise AssertionError("it broke out of the event loop")


def test_sigterm_cancels_every_run_of_the_process_and_then_means_what_it_meant_before():
    before = signal.getsignal(signal.SIGTERM)
    assert sorted(stopped(Stopping())) == ["one", "other"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_nothing_changes():
    before = signal.getsignal(signal.SIGTERM)

    async def run() -> object:
        with Stopping().heard():
            return signal.getsignal(signal.SIGTERM)

    async def elsewhere() -> object:
        return await asyncio.to_thread(asyncio.run, run())

    assert asyncio.run(elsewhere()) is before


def test_outside_the_main_thread_an_error_says_nothing_of_signals():
    async def run() -> None:
        with Stopping().heard():
            raise LookupError("no such clip")

    async def elsewhere() -> None:
        await asyncio.to_thread(asyncio.run, run())

    with pytest.raises(LookupError) as raised:
        asyncio.run(elsewhere())
    assert raised.value.__context__ is None


def told_of(*steps: Step) -> str:
    alive = Alive()
    for step in steps:
        alive.see(step)

    async def provider_task_id(key: str) -> str | None:
        return None if key == "unanswered" else f"task-{key}"

    return asyncio.run(alive.told(provider_task_id))


NOTHING = "Stopped; this run itself leaves nothing running at the provider."


def test_only_what_is_at_the_provider_runs_on():
    assert told_of(Step("a", "one", Stage.WAITING)) == NOTHING
    over = [Step("a", "one", Stage.RUNNING), Step("a", "one", Stage.DONE)]
    assert told_of(*over, Step("b", "other", Stage.UPLOADING)) == NOTHING
    told = told_of(*over, Step("b", "other", Stage.PENDING), Step("unanswered", "third", Stage.CREATING))
    assert told.startswith(
        "Stopped; what 2 jobs have at the provider runs on, and is billed if it succeeds: other (task-b), third "
        "(its create may have got no answer). All of it is recorded"
    )


def test_many_are_counted_and_the_first_named():
    told = told_of(*(Step(str(number), f"job {number}", Stage.RUNNING) for number in range(12)))
    assert "what 12 jobs have" in told
    assert "job 9 (task-9) and 2 more" in told
