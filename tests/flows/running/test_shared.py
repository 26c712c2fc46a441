"""Work that is done once for all who want it at the same time, and never with what was known before they asked."""

import asyncio

import pytest

from flows.running.shared import Shared

pytestmark = pytest.mark.anyio


async def test_who_asks_together_gets_one_piece_of_work():
    shared, begun = Shared(), 0

    async def work() -> int:
        nonlocal begun
        begun += 1
        return begun

    assert await asyncio.gather(*(shared.fresh("list", work) for _ in range(50))) == [1] * 50
    assert await shared.fresh("list", work) == 2
    assert set(await asyncio.gather(shared.fresh("list", work), shared.fresh("another", work))) == {3, 4}


async def test_who_asks_while_it_is_under_way_shares_the_next():
    shared, may_end, under_way = Shared(), asyncio.Event(), asyncio.Event()
    known = ["then"]

    async def work() -> list[str]:
        seen = list(known)
        under_way.set()
        await may_end.wait()
        return seen

    first = asyncio.ensure_future(shared.fresh("list", work))
    await under_way.wait()
    known.append("now")
    later = [asyncio.ensure_future(shared.fresh("list", work)) for _ in range(5)]
    may_end.set()
    assert await first == ["then"]
    assert await asyncio.gather(*later) == [["then", "now"]] * 5


async def test_an_error_is_everybodys_and_the_next_try_is_a_new_one():
    shared, answers = Shared(), iter([OSError("away"), "here"])

    async def work() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    told = await asyncio.gather(*(shared.fresh("list", work) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in told] == ["away"] * 3
    assert await shared.fresh("list", work) == "here"


async def test_one_who_gives_up_takes_nothing_from_the_others():
    shared, may_end = Shared(), asyncio.Event()

    async def work() -> str:
        await may_end.wait()
        return "found"

    first, second = (asyncio.ensure_future(shared.fresh("list", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    may_end.set()
    assert await second == "found"
    assert first.cancelled() or first.done()
