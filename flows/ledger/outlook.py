"""What a provider lists and what the journal knew right after, seen once for all jobs that look at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

from blocks.clients.dashscope import DashScopeClient
from blocks.clients.provider import ListedTask
from blocks.clients.transport import CallFailed
from flows.ledger.journal import Open, file_safe
from flows.rules.failures import Cause, Failure, asked_wait, may_read_again
from flows.rules.reconcile import Anchor
from flows.rules.records import Endpoint
from flows.running.run import Run

T = TypeVar("T")

#: A page or a look that fails is asked for again, so often and after such waits (provider seconds).
TRIES = 6
FIRST_WAIT_SECONDS = 2.0
#: More pages than any 24 hours of one account can fill at its submit limit are a sign of a broken answer.
MOST_PAGES = 500


class Outlook:
    """One account's provider tasks of one model, and what jobs know of them.

    Attributes:
        rows: The list, oldest first.
        is_claimed: For each row, whether a job has claimed it.
        open: The creates without an answer, of all jobs.
    """

    def __init__(
        self,
        run: Run,
        client: DashScopeClient,
        where: Endpoint,
        *,
        rows: Iterable[ListedTask],
        claimed: set[str],
        unanswered: Open,
    ) -> None:
        self.rows = sorted(rows, key=lambda row: row.submitted_at)
        self.is_claimed = [file_safe(row.provider_task_id) in claimed for row in self.rows]
        self.open = unanswered
        self._run = run
        self._client = client
        self._where = where
        self._prompts: dict[str, asyncio.Future[str | None]] = {}
        self._anchors: dict[str, asyncio.Future[Anchor | None]] = {}

    async def prompt(self, row: ListedTask) -> str | None:
        """Returns the prompt a provider task echoes, None for no echo; the provider is asked once.

        Raises:
            CallFailed: No usable answer came.
        """
        return await _once(self._prompts, row.provider_task_id, lambda: self._ask(row.provider_task_id))

    async def anchor(self, row: ListedTask) -> Anchor | None:
        """Returns what a claimed row says of the provider's clock, None when its answer was lost too.

        Raises:
            StorageFailed: It cannot be told.
        """
        return await _once(self._anchors, row.provider_task_id, lambda: self._read(row))

    async def _ask(self, provider_task_id: str) -> str | None:
        seen = await _patiently(self._run, self._where, partial(self._client.get, provider_task_id))
        return seen.prompt

    async def _read(self, row: ListedTask) -> Anchor | None:
        claim = await self._run.journal.claim_of(row.provider_task_id)
        if claim is None:
            return None
        history = await self._run.journal.history(claim.job_key)
        attempt = next((attempt for attempt in history.attempts if attempt.number == claim.attempt), None)
        if attempt is None or attempt.submitted is None or attempt.submitted.adopted:
            return None
        return Anchor(attempt.intent.at, attempt.submitted.at, row.submitted_at)


async def look_out(run: Run, client: DashScopeClient, where: Endpoint) -> Outlook:
    """Returns an outlook begun after this call; jobs that ask while one is under way share the next.

    Raises:
        CallFailed: The list could not be read.
        StorageFailed: The journal could not.
    """

    async def look() -> Outlook:
        # In this order: what is listed and not claimed, but answered meanwhile, is then claimed by its own job,
        # and a claim is exclusive.
        rows = await _rows(run, client, where)
        claimed, unanswered = await run.journal.claimed(), await run.journal.open()
        return Outlook(run, client, where, rows=rows, claimed=claimed, unanswered=unanswered)

    return await run.shared.fresh(("outlook", client.account, client.base_url, where.model), look)


async def _patiently(run: Run, where: Endpoint, call: Callable[[], Awaitable[T]]) -> T:
    """Makes a free call in its turn, again when something may pass: one page that fails must not cost a whole list.

    Raises:
        CallFailed: No usable answer came, however often it was asked.
    """
    wait = FIRST_WAIT_SECONDS
    for left in reversed(range(TRIES)):
        await run.limits.query_turn(where, run.offer(where).quotas)
        try:
            return await call()
        except CallFailed as error:
            if not left or not may_read_again(error.failure):
                raise
            await run.clock.sleep(max(asked_wait(error.failure) or 0.0, wait))
            wait *= 2
    raise AssertionError("the last try returns or raises")


async def _rows(run: Run, client: DashScopeClient, where: Endpoint) -> list[ListedTask]:
    found: dict[str, ListedTask] = {}
    for number in range(1, MOST_PAGES + 1):
        page = await _patiently(run, where, partial(client.list_page, where.model, number))
        found |= {row.provider_task_id: row for row in page.rows}
        if page.is_last:
            return list(found.values())
    text = "the list of provider tasks does not end"
    raise CallFailed(Failure(cause=Cause.NONSENSE, code="UnreadableAnswer", message=text))


async def _once(kept: dict[str, asyncio.Future[T]], key: str, work: Callable[[], Awaitable[T]]) -> T:
    if key not in kept:
        kept[key] = asyncio.ensure_future(work())
    return await asyncio.shield(kept[key])
