"""`recut cancel`: stop a provider task that still queues; tell what happens to one that runs."""

import asyncio

from blocks.clients.dashscope import DashScopeClient
from blocks.clients.provider import ProviderTask
from blocks.clients.transport import CallFailed
from flows.commands.asking import provider_at
from flows.commands.messages import complain, out
from flows.commands.status import find_job, open_journal, ready_to_write, state_of
from flows.ledger.journal import Journal, writer
from flows.rules.history import Attempt, Follow
from flows.rules.plain import plain
from flows.rules.records import Settled
from flows.rules.states import ProviderState
from flows.running.clock import Clock
from flows.running.settings import RunOptions, Settings


def run_cancel(options: RunOptions, job: str) -> int:
    """Cancels a job at the provider, or says why it cannot be; returns the command's exit code."""
    journal, settings = open_journal(options), Settings().with_options(options)
    with ready_to_write(journal, settings.credentials):
        return asyncio.run(_cancel(settings, journal, job))


async def _cancel(settings: Settings, journal: Journal, job: str) -> int:
    key, history = await find_job(journal, job)
    step = history.next_step(Clock().now(), max_attempts=settings.max_attempts)
    if not isinstance(step, Follow) or step.attempt.submitted is None:
        complain(f"{job} is {state_of(history)}; there is no provider task to cancel")
        return 2
    intent, provider_task_id = step.attempt.intent, step.attempt.submitted.provider_task_id
    async with provider_at(intent.endpoint, settings) as client:
        try:
            cancelled = isinstance(client, DashScopeClient) and await client.cancel(provider_task_id)
            seen = None if cancelled else await client.get(provider_task_id)
        except CallFailed as error:
            complain(f"the provider could not be asked ({error}); provider task {provider_task_id} runs on")
            return 1
    if seen is None or seen.state is ProviderState.CANCELED:
        state = await _settle(journal, key, step.attempt)
        # A run, a sweep or another cancel may have come first, and seen the same.
        is_cancelled, told = state == "cancelled", f"provider task {provider_task_id} is {state}"
        out.print(f"{plain(intent.name)}: {told}{'; nothing is billed' if is_cancelled else ' meanwhile'}.")
        return 0 if is_cancelled else 1
    out.print(f"{plain(intent.name)}: {_why_not(seen)}")
    return 1


async def _settle(journal: Journal, key: str, attempt: Attempt) -> str:
    """Records a cancelled provider task, unless it was settled meanwhile; returns how it stands settled."""
    settled = Settled(attempt=attempt.number, at=Clock().now(), by=writer(), state="cancelled")
    try:
        await journal.write(key, settled)
    except FileExistsError:
        theirs = (await journal.history(key)).of_attempt(attempt.number).settled
        assert theirs is not None
        return theirs.state
    return settled.state


def _why_not(seen: ProviderTask) -> str:
    told = f"provider task {seen.provider_task_id} "
    if seen.state is ProviderState.PENDING:
        return told + "queues, but this provider has no cancel; it will run, be billed, and its result be fetched."
    if seen.state is ProviderState.RUNNING:
        return told + (
            "runs already: it will be billed, and the next run or sweep fetches its result. "
            "To leave the result to the provider, say recut resolve --abandon."
        )
    return told + f"is over ({seen.state}); run recut sweep to settle it."
