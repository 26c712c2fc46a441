"""`recut resolve`: a person's decision about a job whose create got no answer, or that is not wanted any more."""

import asyncio
from typing import Literal

from blocks.clients.provider import ProviderTask
from blocks.clients.transport import CallFailed
from flows.commands.asking import provider_at
from flows.commands.messages import complain, out
from flows.commands.status import find_job, open_journal, ready_to_write, state_of
from flows.ledger.journal import Journal, writer
from flows.rules.history import Attempt, History
from flows.rules.plain import plain
from flows.rules.reconcile import could_be
from flows.rules.records import Decided, Submitted
from flows.rules.states import JobState, ProviderState
from flows.running.clock import Clock
from flows.running.settings import RunOptions, Settings

_DECIDABLE = {"recreate": {JobState.HELD}, "abandon": {JobState.HELD, JobState.RUNNING}}
_THEN = {
    "recreate": "the next run creates it again",
    "abandon": "nothing more is created or fetched for it",
}


class NotAdopted(Exception):
    """A provider task cannot be this job's; nothing was recorded."""


def run_resolve(options: RunOptions, job: str, decision: Literal["recreate", "abandon"]) -> int:
    """Records a person's decision about a job: give it up, or, when it is held, pay for another try."""
    journal = open_journal(options)
    key, history = asyncio.run(find_job(journal, job))
    state, last = state_of(history), history.last
    assert last is not None
    if state not in _DECIDABLE[decision]:
        complain(f"{last.intent.name} is {state}; there is nothing to {decision}")
        return 2
    record = Decided(attempt=last.number, at=Clock().now(), by=writer(), decision=decision, reason="a person decided")
    with ready_to_write(journal):
        try:
            asyncio.run(journal.write(key, record))
        except FileExistsError:
            complain(f"{last.intent.name} was decided about meanwhile; recut status shows how it stands")
            return 2
    out.print(f"{plain(last.intent.name)}: {decision}; {_THEN[decision]}.")
    return 0


def run_adopt(options: RunOptions, job: str, provider_task_id: str) -> int:
    """Gives a job the provider task that a person found for its lost create, once the provider knows it."""
    journal, settings = open_journal(options), Settings().with_options(options)
    with ready_to_write(journal, settings.credentials):
        try:
            name, seen = asyncio.run(_adopt(journal, settings, job, provider_task_id.strip()))
        except NotAdopted as refusal:
            complain(f"{refusal}; nothing was recorded, and nothing more is created or paid")
            return 2
        except CallFailed as error:
            complain(
                f"the provider could not be asked about {provider_task_id} ({error}); nothing was recorded, nothing "
                "more is created or paid, and if it runs it is billed as before: say it again later"
            )
            return 1
    out.print(f"{plain(name)}: provider task {seen.provider_task_id} is its own now. {_told(seen)}")
    return 0


async def _adopt(journal: Journal, settings: Settings, job: str, provider_task_id: str) -> tuple[str, ProviderTask]:
    """Ties a provider task to the job's newest create without an answer; returns the job's name and what was seen.

    Raises:
        NotAdopted: It is not, or certainly cannot be, that create's.
        CallFailed: The provider could not be asked.
    """
    key, history = await find_job(journal, job)
    attempt = _without_answer(history)
    if (claim := await journal.claim_of(provider_task_id)) and (claim.job_key, claim.attempt) != (key, attempt.number):
        whose = "an earlier try of this job" if claim.job_key == key else f"the job of key {claim.job_key[:8]}"
        raise NotAdopted(f"provider task {provider_task_id} belongs to {whose}")
    if (claim := await journal.claim_for(key, attempt.number)) and claim.provider_task_id != provider_task_id:
        raise NotAdopted(
            f"{attempt.intent.name} has provider task {claim.provider_task_id} already, which the next run follows"
        )
    async with provider_at(attempt.intent.endpoint, settings) as client:
        seen = await client.get(provider_task_id)
    _check(attempt, seen)
    if not await journal.claim(provider_task_id, key, attempt.number):
        raise NotAdopted(f"provider task {provider_task_id} was given to another job just now")
    record = Submitted(
        attempt=attempt.number, at=Clock().now(), by=writer(), provider_task_id=provider_task_id, adopted=True
    )
    try:
        await journal.write(key, record)
    except FileExistsError:
        stands = (await journal.history(key)).of_attempt(attempt.number).submitted
        if stands is None or stands.provider_task_id != provider_task_id:
            raise NotAdopted(f"{attempt.intent.name} was given another provider task just now") from None
    return attempt.intent.name, seen


def _without_answer(history: History) -> Attempt:
    """Returns the job's newest create without an answer.

    Raises:
        NotAdopted: There is none, it may still get one, or a person gave the job up.
    """
    last = history.last
    assert last is not None
    state = state_of(history)
    if state is JobState.ABANDONED:
        raise NotAdopted(f"{last.intent.name} was given up, so its result would not be fetched; raise its take instead")
    if state is JobState.CREATING:
        raise NotAdopted(f"the create of {last.intent.name} is still under way; wait for its answer")
    lost = [attempt for attempt in history.attempts if attempt.is_unanswered]
    if not lost:
        raise NotAdopted(f"{last.intent.name} is {state}; none of its creates lacks a provider task")
    return lost[-1]


def _check(attempt: Attempt, seen: ProviderTask) -> None:
    """Refuses what the provider does not know, and what it shows to be another edit.

    Raises:
        NotAdopted: It cannot be this create's.
    """
    intent = attempt.intent
    if seen.state is ProviderState.UNKNOWN:
        raise NotAdopted(
            f"{intent.endpoint.provider} knows no provider task {seen.provider_task_id} under this key: the id is "
            "wrong, or another account's, or older than 24 hours and its result gone"
        )
    if not could_be(intent, seen.prompt, seen.submitted_at):
        raise NotAdopted(
            f"provider task {seen.provider_task_id} has another prompt, or is older than this job's create, so it is "
            "another edit's"
        )


def _told(seen: ProviderTask) -> str:
    if seen.state is ProviderState.SUCCEEDED:
        return "It succeeded and is billed once; the next run or sweep fetches its result."
    if seen.state.is_final:
        return f"It is {seen.state} and not billed; the next run or sweep settles it."
    return f"It is {seen.state} and is billed once if it succeeds; the next run or sweep follows it to its end."
