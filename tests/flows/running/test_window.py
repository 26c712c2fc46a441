"""Who may begin: in order, and only so many at once."""

import asyncio

import pytest

from flows.running.progress import Lane
from flows.running.window import BESIDE_SLOTS, Window

pytestmark = pytest.mark.anyio

LANE = Lane("wan at dashscope", slots=2, run_seconds=100)
OTHER = Lane("happyhorse at dashscope", slots=2, run_seconds=100)
PLACES = LANE.slots + BESIDE_SLOTS


class Jobs:
    """Jobs that begin when they may, and end when told."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def run(self, lane: Lane, key: str) -> None:
        self.ends[key] = asyncio.Event()
        async with self.window.place(lane, key):
            self.begun.append(key)
            await self.ends[key].wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_jobs_begin_in_order_and_no_more_than_there_are_places():
    jobs = Jobs(Window())
    keys = [f"job-{number}" for number in range(PLACES + 5)]
    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(jobs.run(LANE, key))
        await settled()
        assert jobs.begun == keys[:PLACES]
        jobs.ends[keys[7]].set()
        await settled()
        assert jobs.begun == keys[: PLACES + 1]
        for key in keys:
            jobs.ends[key].set()
    assert jobs.begun == keys


async def test_lanes_do_not_wait_for_each_other():
    jobs = Jobs(Window())
    async with asyncio.TaskGroup() as group:
        for number in range(PLACES + 1):
            group.create_task(jobs.run(LANE, f"long-{number}"))
        group.create_task(jobs.run(OTHER, "other"))
        await settled()
        assert "other" in jobs.begun
        for end in jobs.ends.values():
            end.set()


async def test_it_tells_when_all_of_some_jobs_have_begun():
    jobs = Jobs(Window())
    keys = [f"job-{number}" for number in range(PLACES + 1)]
    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(jobs.run(LANE, key))
        told = group.create_task(jobs.window.all_begun(keys))
        await settled()
        assert not told.done()
        jobs.ends[keys[0]].set()
        await told
        for key in keys:
            jobs.ends[key].set()
