"""Finds out from the provider's own list what became of a create that got no answer. Only looks, never posts."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from blocks.clients.dashscope import DashScopeClient
from flows.journal import file_safe, writer
from flows.outcomes import unanswered
from flows.rules.failures import Cause, Failure
from flows.rules.history import Attempt
from flows.rules.reconcile import Adopt, Candidate, NoneFound, Several, in_window, match
from flows.rules.records import Decided, Submitted
from flows.run import Run

#: Provider seconds to wait before each look at the list: rows may show up late.
WAITS_SECONDS = (5.0, 20.0)
_LOST = Failure(cause=Cause.NO_ANSWER, code="Interrupted", message="the process stopped before it had an answer")


async def reconcile(run: Run, job_key: str, attempt: Attempt) -> None:
    """Adopts the provider task of an unanswered create, or applies the policy when none can be told.

    Raises:
        EditStopped: Held: it cannot be told, and the policy is to leave it to a person.
        CallFailed: The list could not be read; nothing is concluded.
    """
    client = await run.client(attempt.intent.endpoint.provider, attempt.intent.endpoint)
    failure = attempt.unanswered.failure if attempt.unanswered else _LOST
    if not isinstance(client, DashScopeClient):
        await _apply_policy(run, job_key, attempt, failure, "this provider has no list to look into")
        return
    for wait in WAITS_SECONDS:
        await run.clock.sleep(wait)
        found = await _look(run, client, attempt)
        if isinstance(found, Adopt) and await run.journal.claim(
            client.account, found.provider_task_id, job_key, attempt.number
        ):
            adopted = Submitted(
                attempt=attempt.number,
                at=run.clock.now(),
                by=writer(),
                provider_task_id=found.provider_task_id,
                adopted=True,
            )
            await write_unless_written(run, job_key, adopted)
            return
        if isinstance(found, Several):
            raise unanswered(failure, f"{found.count} provider tasks or creates with this prompt cannot be told apart")
    await _apply_policy(run, job_key, attempt, failure, "the provider's list shows none for it so far")


async def write_unless_written(run: Run, job_key: str, record: Submitted | Decided) -> None:
    """Writes a record, content when somebody else wrote it first: then theirs stands."""
    with suppress(FileExistsError):
        await run.journal.write(job_key, record)


async def _look(run: Run, client: DashScopeClient, attempt: Attempt) -> Adopt | NoneFound | Several:
    intent = attempt.intent
    # Two hours on either side forgive wrong clocks; the list takes 24 hours at most.
    start = intent.at - timedelta(hours=2)
    end = min(run.clock.now() + timedelta(hours=2), start + timedelta(hours=24))
    window = (start, end) if run.clock.scale == 1 else None
    listed = await client.list_tasks(intent.endpoint.model, window)
    claimed = await run.journal.claimed(client.account)
    unclaimed = [
        row
        for row in listed
        if file_safe(row.provider_task_id) not in claimed and in_window(intent, row.submitted_at, run.clock.scale)
    ]
    details = await asyncio.gather(*(client.get(row.provider_task_id) for row in unclaimed))
    candidates = [
        Candidate(row.provider_task_id, row.submitted_at, detail.prompt or "")
        for row, detail in zip(unclaimed, details, strict=True)
    ]
    rivals = [
        other
        for other in await run.journal.unanswered_intents()
        if other.endpoint == intent.endpoint and (other.job_key, other.attempt) != (intent.job_key, intent.attempt)
    ]
    return match(intent, candidates, rivals)


async def _apply_policy(run: Run, job_key: str, attempt: Attempt, failure: Failure, why_unsure: str) -> None:
    if run.settings.on_unknown != "recreate":
        raise unanswered(failure, why_unsure)
    decision = Decided(
        attempt=attempt.number,
        at=run.clock.now(),
        by=writer(),
        decision="recreate",
        reason=f"--on-unknown recreate: {why_unsure}",
    )
    await write_unless_written(run, job_key, decision)
