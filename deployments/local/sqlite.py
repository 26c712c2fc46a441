"""Makes the local server's SQLite wait its turn instead of failing.

A Prefect transaction that reads before it writes is refused by SQLite ("database is locked", at once, whatever
the busy timeout) when another one has written in between, and task-run states are written all the time. The
API answers 503 and the client comes back two seconds later: measured, every third flow run started 2 s late,
and a rate limit took 3.4 s instead of 0.7 s. A transaction that takes the write lock when it begins waits.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import set_database_config
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction


class PatientSqlite(AioSqliteConfiguration):
    """Prefect's SQLite configuration, with every explicit transaction begun as one that will write."""

    @asynccontextmanager
    async def begin_transaction(
        self, session: AsyncSession, with_for_update: bool = True
    ) -> AsyncGenerator[AsyncSessionTransaction, None]:
        """Begins a transaction and takes the write lock; reads outside of transactions stay free of it."""
        async with super().begin_transaction(session, with_for_update=True) as transaction:
            yield transaction


def wait_for_the_write_lock() -> None:
    """Applies to the server about to be made, unless the user has given it another database."""
    url = PREFECT_API_DATABASE_CONNECTION_URL.value()
    if url.startswith("sqlite"):
        set_database_config(PatientSqlite(connection_url=url))
