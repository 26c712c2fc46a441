"""Where a storage cannot create exclusively, Prefect's leased slots keep two writers apart, or nothing is spent."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from blocks.clients.store import NotExclusive, StorageFailed, Store
from flows.ledger.guard import LIMITS, Guard
from flows.ledger.journal import Journal, writer
from flows.rules.records import Decided
from tests.s3 import S3Server

_buckets = itertools.count()


@pytest.fixture
def on_a_clone() -> Iterator[Store]:
    """A folder on a clone that takes every create."""
    with S3Server("ignores") as server:
        name = f"lying-{next(_buckets)}"
        server.make_bucket(name)
        yield Store(f"s3://{name}/journal", server.options)


@pytest.fixture(params=["on_a_clone", "on_swift"], ids=["clone", "swift"])
def unguarded(request: pytest.FixtureRequest) -> Store:
    """A folder on a storage that cannot create exclusively: one that says it did, one that refuses to."""
    return request.getfixturevalue(request.param)


def decided(reason: str) -> Decided:
    return Decided(attempt=1, at=datetime.now(UTC), by=writer(), decision="abandon", reason=reason)


@pytest.mark.usefixtures("prefect")
def test_eight_writers_create_a_record_once_though_the_storage_would_take_all(unguarded: Store):
    async def write(number: int) -> int:
        journal = Journal(unguarded, alone=Guard().alone)
        await journal.prove_exclusive()
        assert journal.needs_guard
        try:
            await journal.write("job", decided(str(number)))
        except FileExistsError:
            return 0
        return 1

    async def race() -> int:
        return sum(await asyncio.gather(*(write(number) for number in range(8))))

    assert asyncio.run(race()) == 1


@pytest.mark.usefixtures("prefect")
def test_the_limits_are_made_by_recut_are_few_and_let_one_in():
    from prefect.client.orchestration import get_client

    async def names() -> dict[str, int]:
        guard = Guard()
        for number in range(3):
            async with guard.alone(f"job-{number}"):
                pass
        async with get_client() as client:
            found = await client.read_global_concurrency_limits(limit=200, offset=0)
        return {limit.name: limit.limit for limit in found if limit.name.startswith("recut-records-")}

    found = asyncio.run(names())
    assert 1 <= len(found) <= LIMITS
    assert set(found.values()) == {1}


def test_without_anything_that_keeps_writers_apart_nothing_is_spent(unguarded: Store):
    with pytest.raises(NotExclusive, match="RECUT_JOURNAL"):
        asyncio.run(Journal(unguarded).prove_exclusive())


def test_a_guard_that_cannot_be_had_writes_nothing(unguarded: Store):
    @asynccontextmanager
    async def away(_: str):
        raise StorageFailed("no slot")
        yield

    async def go() -> None:
        journal = Journal(unguarded, alone=away)
        await journal.prove_exclusive()
        await journal.write("job", decided("x"))

    with pytest.raises(StorageFailed, match="no slot"):
        asyncio.run(go())
    assert unguarded.names("") == []
