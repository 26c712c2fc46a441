"""Transactions of the local server's database take turns instead of failing."""

import asyncio

import sqlalchemy as sa

from deployments.local.sqlite import PatientSqlite


async def add_one(database, engine, has_read, may_write):
    async with await database.session(engine) as session, database.begin_transaction(session):
        (value,) = (await session.execute(sa.text("select value from counter"))).one()
        has_read.set()
        await may_write.wait()
        await session.execute(sa.text("update counter set value = :value"), {"value": value + 1})


async def run_two(path):
    database = PatientSqlite(connection_url=f"sqlite+aiosqlite:///{path}")
    engine = await database.engine()
    async with engine.begin() as connection:
        await connection.execute(sa.text("create table counter (value integer)"))
        await connection.execute(sa.text("insert into counter values (0)"))
    first_has_read, first_may_write, free = asyncio.Event(), asyncio.Event(), asyncio.Event()
    free.set()
    first = asyncio.create_task(add_one(database, engine, first_has_read, first_may_write))
    await first_has_read.wait()
    second = asyncio.create_task(add_one(database, engine, asyncio.Event(), free))
    async with await database.session(engine) as session:
        (seen_meanwhile,) = (await session.execute(sa.text("select value from counter"))).one()
    first_may_write.set()
    await asyncio.gather(first, second)
    async with await database.session(engine) as session:
        (at_the_end,) = (await session.execute(sa.text("select value from counter"))).one()
    await engine.dispose()
    return seen_meanwhile, at_the_end


def test_transactions_that_read_before_they_write_wait_for_each_other_and_hold_up_no_reader(tmp_path):
    assert asyncio.run(run_two(tmp_path / "test.db")) == (0, 2)
