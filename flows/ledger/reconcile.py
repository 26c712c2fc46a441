"""Finds out from the provider's own list what became of a create that got no answer. Only looks, never posts."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from blocks.clients.dashscope import DashScopeClient
from blocks.clients.provider import ListedTask
from flows.ledger.journal import file_safe, writer
from flows.rules.failures import Cause, Failure
from flows.rules.history import Attempt
from flows.rules.reconcile import Adopt, Anchor, Candidate, Lost, NoneFound, Several, in_window, match
from flows.rules.records import Decided, Intent, Submitted
from flows.running.run import Run
from flows.telling.outcomes import unanswered

#: Provider seconds to wait before each look at the list: rows may show up late, and other creates be answered.
WAITS_SECONDS = (5.0, 20.0, 40.0)
#: Answered creates read on each side of an unclaimed provider task: about as many as can be under way at once.
ANCHORS_ASIDE = 8
_LOST = Failure(cause=Cause.NO_ANSWER, code="Interrupted", message="the process stopped before it had an answer")


async def reconcile(run: Run, job_key: str, attempt: Attempt) -> None:
    """Adopts the provider task of an unanswered create, or applies the policy when none can be told.

    Raises:
        EditStopped: Held: it cannot be told, and the policy is to leave it to a person.
        CallFailed: The list could not be read; nothing is concluded.
    """
    if (claim := await run.journal.claim_for(job_key, attempt.number)) is not None:
        # Its owner had the answer and stopped before it could say so.
        await _adopt(run, job_key, attempt, claim.provider_task_id)
        return
    client = await run.client(attempt.intent.endpoint.provider, attempt.intent.endpoint)
    failure = attempt.unanswered.failure if attempt.unanswered else _LOST
    if not isinstance(client, DashScopeClient):
        await _apply_policy(run, job_key, attempt, failure, "this provider has no list to look into")
        return
    found: Adopt | NoneFound | Several = NoneFound()
    for wait in WAITS_SECONDS:
        await run.clock.sleep(wait)
        found = await _look(run, client, attempt)
        if isinstance(found, Adopt) and await run.journal.claim(found.provider_task_id, job_key, attempt.number):
            await _adopt(run, job_key, attempt, found.provider_task_id)
            return
    if isinstance(found, Several):
        raise unanswered(failure, f"{found.count} provider tasks or creates with this prompt cannot be told apart")
    if client.account != attempt.intent.endpoint.account:
        raise unanswered(failure, "today's key is not the one it was sent with, so the list may be another account's")
    await _apply_policy(run, job_key, attempt, failure, "the provider's list shows none for it so far")


async def _adopt(run: Run, job_key: str, attempt: Attempt, provider_task_id: str) -> None:
    adopted = Submitted(
        attempt=attempt.number, at=run.clock.now(), by=writer(), provider_task_id=provider_task_id, adopted=True
    )
    await write_unless_written(run, job_key, adopted)


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
    listed = sorted(await client.list_tasks(intent.endpoint.model, window), key=lambda row: row.submitted_at)
    claimed = await run.journal.claimed()
    rows = [row for row in listed if in_window(intent, row.submitted_at, run.clock.scale)]
    is_claimed = [file_safe(row.provider_task_id) in claimed for row in rows]
    candidates = []
    for row, taken in zip(rows, is_claimed, strict=True):
        if not taken:
            await run.limits.query_turn(intent.endpoint, run.offer(intent.endpoint).quotas)
            seen = await client.get(row.provider_task_id)
            candidates.append(Candidate(row.provider_task_id, row.submitted_at, seen.prompt))
    rivals = [
        _lost(other)
        for other in await run.journal.unanswered()
        if other.intent.job_key != intent.job_key
        and _share_a_list(intent, other.intent)
        # A create of long ago has nothing in this list, and must not put every later one in doubt.
        and any(in_window(other.intent, candidate.submitted_at, run.clock.scale) for candidate in candidates)
    ]
    anchors = await _anchors(run, rows, is_claimed)
    return match(_lost(attempt), candidates, rivals, anchors)


def _share_a_list(one: Intent, other: Intent) -> bool:
    """Whether two creates went to the same account and model, by whatever host."""
    return (one.endpoint.account, one.endpoint.model) == (other.endpoint.account, other.endpoint.model)


def _lost(attempt: Attempt) -> Lost:
    return Lost(attempt.intent, attempt.unanswered.at if attempt.unanswered else attempt.intent.not_after)


async def _anchors(run: Run, rows: Sequence[ListedTask], is_claimed: Sequence[bool]) -> list[Anchor]:
    """Returns the answered creates next to each unclaimed provider task, on the provider's own clock."""
    near = {
        index
        for free, taken in enumerate(is_claimed)
        if not taken
        for index in range(free - ANCHORS_ASIDE, free + ANCHORS_ASIDE + 1)
        if 0 <= index < len(rows) and is_claimed[index]
    }
    found = [await _anchor(run, rows[index]) for index in sorted(near)]
    return [anchor for anchor in found if anchor is not None]


async def _anchor(run: Run, row: ListedTask) -> Anchor | None:
    claim = await run.journal.claim_of(row.provider_task_id)
    if claim is None:
        return None
    history = await run.journal.history(claim.job_key)
    attempt = next((attempt for attempt in history.attempts if attempt.number == claim.attempt), None)
    if attempt is None or attempt.submitted is None or attempt.submitted.adopted:
        return None
    return Anchor(attempt.intent.at, attempt.submitted.at, row.submitted_at)


async def _apply_policy(run: Run, job_key: str, attempt: Attempt, failure: Failure, why_unsure: str) -> None:
    if run.settings.on_unknown != "recreate":
        raise unanswered(failure, why_unsure)
    sent = len((await run.journal.history(job_key)).committed())
    if sent >= run.settings.max_attempts:
        # Where every answer is lost, each further create would be billed too.
        raise unanswered(failure, f"{why_unsure}, as with {sent} creates of this job that may each be billed")
    decision = Decided(
        attempt=attempt.number,
        at=run.clock.now(),
        by=writer(),
        decision="recreate",
        reason=f"--on-unknown recreate: {why_unsure}",
    )
    await write_unless_written(run, job_key, decision)
