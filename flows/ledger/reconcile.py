"""Finds out from the provider's own list what became of a create that got no answer. Only looks, never posts."""

from collections.abc import Sequence
from contextlib import suppress

from blocks.clients.dashscope import DashScopeClient
from blocks.clients.provider import ListedTask
from flows.ledger.journal import writer
from flows.ledger.outlook import Outlook, look_out
from flows.rules.failures import Cause, Failure
from flows.rules.history import Attempt
from flows.rules.reconcile import Adopt, Anchor, Candidate, Lost, NoneFound, Several, in_window, match, may_share_a_list
from flows.rules.records import Decided, Submitted
from flows.running.run import Run
from flows.telling.outcomes import unanswered

#: Provider seconds to wait before each look at the list: rows may show up late, and other creates be answered.
WAITS_SECONDS = (5.0, 20.0, 40.0)
#: Answered creates read on each side of an unclaimed provider task: about as many as can be under way at once.
ANCHORS_ASIDE = 8
#: What is known of a create whose process stopped before it could say.
INTERRUPTED = Failure(cause=Cause.NO_ANSWER, code="Interrupted", message="the process stopped before it had an answer")


async def reconcile(run: Run, attempt: Attempt) -> None:
    """Adopts the provider task of an unanswered create, or applies the policy when none can be told.

    Raises:
        EditStopped: Held: it cannot be told, and the policy is to leave it to a person.
        CallFailed: The list could not be read; nothing is concluded.
        StorageFailed: The journal could not; the same.
    """
    intent = attempt.intent
    if await _is_known(run, attempt):
        return
    client = await run.client(intent.endpoint.provider, intent.endpoint)
    failure = attempt.unanswered.failure if attempt.unanswered else INTERRUPTED
    if not isinstance(client, DashScopeClient):
        await _apply_policy(run, attempt, failure, "this provider has no list to look into")
        return
    doubt = None
    for wait in WAITS_SECONDS:
        await run.clock.sleep(wait)
        outlook = await look_out(run, client, intent.endpoint)
        match await _match(run, outlook, attempt):
            case Adopt() if outlook.open.unreadable:
                doubt = f"it may be another job's, of which a record cannot be read ({outlook.open.unreadable[0]})"
            case Adopt(provider_task_id=found):
                if await run.journal.claim(found, intent.job_key, attempt.number):
                    await _adopt(run, attempt, found)
                    return
                doubt = None
            case Several(count=count):
                doubt = f"{count} provider tasks or creates with this prompt cannot be told apart"
            case NoneFound():
                doubt = None
    if await _is_known(run, attempt):
        return
    if doubt is not None:
        raise unanswered(failure, doubt)
    if client.account != intent.endpoint.account:
        raise unanswered(failure, "today's key is not the one it was sent with, so the list may be another account's")
    await _apply_policy(run, attempt, failure, "the provider's list shows none for it so far")


async def _is_known(run: Run, attempt: Attempt) -> bool:
    """Whether somebody else has found out: its owner, who may have stopped before saying so, or another run."""
    intent = attempt.intent
    if (claim := await run.journal.claim_for(intent.job_key, attempt.number)) is not None:
        await _adopt(run, attempt, claim.provider_task_id)
        return True
    now = (await run.journal.history(intent.job_key)).of_attempt(attempt.number)
    return not now.is_unanswered or now.decided != attempt.decided


async def _adopt(run: Run, attempt: Attempt, provider_task_id: str) -> None:
    adopted = Submitted(
        attempt=attempt.number, at=run.clock.now(), by=writer(), provider_task_id=provider_task_id, adopted=True
    )
    await _write_unless_written(run, attempt, adopted)


async def _write_unless_written(run: Run, attempt: Attempt, record: Submitted | Decided) -> None:
    """Writes a record, content when somebody else wrote it first: then theirs stands."""
    with suppress(FileExistsError):
        await run.journal.write(attempt.intent.job_key, record)


async def _match(run: Run, outlook: Outlook, attempt: Attempt) -> Adopt | NoneFound | Several:
    intent = attempt.intent
    inside = [in_window(intent, row.submitted_at, run.clock.scale) for row in outlook.rows]
    rows = [row for row, is_inside in zip(outlook.rows, inside, strict=True) if is_inside]
    is_claimed = [taken for taken, is_inside in zip(outlook.is_claimed, inside, strict=True) if is_inside]
    candidates = [
        Candidate(row.provider_task_id, row.submitted_at, await outlook.prompt(row))
        for row, taken in zip(rows, is_claimed, strict=True)
        if not taken
    ]
    rivals = [
        _lost(other)
        for other in outlook.open.attempts
        if other.intent.job_key != intent.job_key
        and may_share_a_list(intent.endpoint, other.intent.endpoint)
        # A create of long ago has nothing in this list, and must not put every later one in doubt.
        and any(in_window(other.intent, candidate.submitted_at, run.clock.scale) for candidate in candidates)
    ]
    return match(_lost(attempt), candidates, rivals, await _anchors(outlook, rows, is_claimed))


def _lost(attempt: Attempt) -> Lost:
    return Lost(attempt.intent, attempt.unanswered.at if attempt.unanswered else attempt.intent.not_after)


async def _anchors(outlook: Outlook, rows: Sequence[ListedTask], is_claimed: Sequence[bool]) -> list[Anchor]:
    """Returns the answered creates next to each unclaimed provider task, on the provider's own clock."""
    near = {
        index
        for free, taken in enumerate(is_claimed)
        if not taken
        for index in range(free - ANCHORS_ASIDE, free + ANCHORS_ASIDE + 1)
        if 0 <= index < len(rows) and is_claimed[index]
    }
    found = [await outlook.anchor(rows[index]) for index in sorted(near)]
    return [anchor for anchor in found if anchor is not None]


async def _apply_policy(run: Run, attempt: Attempt, failure: Failure, why_unsure: str) -> None:
    if run.settings.on_unknown != "recreate":
        raise unanswered(failure, why_unsure)
    sent = len((await run.journal.history(attempt.intent.job_key)).committed())
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
    await _write_unless_written(run, attempt, decision)
