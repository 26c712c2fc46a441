"""Stage 4: look at the provider task until it is over. Nothing but its end, or the provider's limits, stops this."""

import asyncio
import random

from blocks.clients.provider import ProviderTask
from blocks.clients.transport import CallFailed
from flows.rules.failures import advice, asked_wait, may_read_again
from flows.rules.history import Attempt
from flows.rules.offers import RunTimes
from flows.rules.polling import FIRST_LOOK_SECONDS, wait_before_next_look
from flows.rules.records import Intent
from flows.rules.states import ProviderState
from flows.running.log import job_log
from flows.running.progress import Stage, Step
from flows.running.run import Run
from flows.stages.stage import stage
from flows.telling.outcomes import runs_on

#: Ids and results live this long at the provider, in provider seconds.
VALIDITY_SECONDS = 24 * 3600.0
#: How long the provider may be unreachable, or deny an id it gave, before the run stops waiting (provider seconds).
PATIENCE_SECONDS = 1800.0
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0


@stage("poll", named="poll {attempt.intent.name} ({attempt.submitted.provider_task_id})", retries=3)
async def poll(run: Run, attempt: Attempt) -> ProviderTask:
    """Returns the provider task once it is over; state UNKNOWN means it is older than 24 hours and gone.

    Raises:
        EditStopped: The provider cannot be asked any more; the provider task runs on and is recorded.
    """
    assert attempt.submitted is not None
    with (
        run.waking.at_end_of(attempt.submitted.provider_task_id) as woken,
        run.experience.following(attempt.intent),
    ):
        over = await _to_its_end(run, attempt, woken)
        if over.state is ProviderState.SUCCEEDED:
            run.experience.ended(attempt.intent, over.run_seconds)
    return over


async def _to_its_end(run: Run, attempt: Attempt, woken: asyncio.Event) -> ProviderTask:
    assert attempt.submitted is not None
    intent, provider_task_id = attempt.intent, attempt.submitted.provider_task_id
    log = job_log(intent.job_key, intent.name, attempt)
    client = await run.client(intent.endpoint.provider, intent.endpoint)
    offer = run.offer(intent.endpoint)
    state, running_since, trouble_since = ProviderState.PENDING, None, None
    trouble_wait = FIRST_WAIT_SECONDS
    _tell(run, attempt, state)  # before it is asked: whoever stops the run now leaves a provider task running
    await run.clock.wait(woken, max(0.0, FIRST_LOOK_SECONDS - run.clock.provider_seconds_since(attempt.submitted.at)))
    while True:
        await run.limits.query_turn(intent.endpoint, offer.quotas)
        woken.clear()  # before the look: what is said during it deserves another one
        age = run.clock.provider_seconds_since(attempt.submitted.at)
        try:
            seen = await client.get(provider_task_id)
            trouble = _trouble(seen, age)
            asked = None
        except CallFailed as error:
            if not may_read_again(error.failure):
                raise runs_on(
                    provider_task_id, f"the provider refuses to be asked ({error}); {advice(error.failure)}"
                ) from error
            trouble, asked = str(error), asked_wait(error.failure)
        if trouble is None:
            if seen.state.is_final:
                log.info("ended as %s", seen.state)
                return seen
            if seen.state is ProviderState.RUNNING and running_since is None:
                running_since = run.clock.monotonic() - _ran(seen, age)
                run.experience.began(intent, running_since)
            if seen.state is not state:
                log.info("is %s", seen.state)
            state, trouble_since, trouble_wait = seen.state, None, FIRST_WAIT_SECONDS
            _tell(run, attempt, state)
            wait = wait_before_next_look(
                state=state,
                since_submit=age,
                since_running=None if running_since is None else run.clock.monotonic() - running_since,
                times=await _times(run, intent, offer.run_times),
                quotas=offer.quotas,
            )
            shortest = offer.quotas.min_poll_seconds
        else:
            trouble_since = trouble_since or run.clock.now()
            if run.clock.provider_seconds_since(trouble_since) > PATIENCE_SECONDS:
                raise runs_on(provider_task_id, f"the provider could not tell for too long ({trouble})")
            wait = shortest = max(asked or trouble_wait, offer.quotas.min_poll_seconds)
            log.warning("the provider could not tell how it stands (%s); asked again in %.0f s", trouble, wait)
            trouble_wait = min(LONGEST_WAIT_SECONDS, trouble_wait * 2)
        await _rest(run, woken, wait, shortest)


async def _times(run: Run, intent: Intent, catalogue: RunTimes) -> RunTimes:
    where, resolution = intent.endpoint, intent.parameters.get("resolution")
    return await run.experience.expected(where.provider, where.model, resolution, catalogue, run.clock.monotonic())


async def _rest(run: Run, woken: asyncio.Event, seconds: float, shortest: float) -> None:
    """Waits for about that many provider seconds, less when woken, but never less than the shortest interval."""
    seconds *= random.uniform(0.95, 1.1)  # noqa: S311 - jitter
    shortest = min(shortest, seconds)
    await run.clock.sleep(shortest)
    await run.clock.wait(woken, seconds - shortest)


def _trouble(seen: ProviderTask, age: float) -> str | None:
    """Says why a look told nothing, or returns None when it did."""
    if seen.state is ProviderState.UNKNOWN and age < VALIDITY_SECONDS:
        return "it does not know the id it gave less than 24 hours ago; is the key of the same account?"
    if seen.state is ProviderState.SUCCEEDED and not seen.result_url:
        return "it succeeded, but the provider gives no link to the result"
    return None


def _ran(seen: ProviderTask, age: float) -> float:
    """Returns how long it runs already, in provider seconds, by the provider's own times where it tells them.

    Their difference is used, not the times themselves: its clock need not be ours.
    """
    if seen.started_at is None or seen.submitted_at is None:
        return 0.0
    queued = (seen.started_at - seen.submitted_at).total_seconds()
    return min(max(0.0, age - queued), age)


def _tell(run: Run, attempt: Attempt, state: ProviderState) -> None:
    where = Stage.RUNNING if state is ProviderState.RUNNING else Stage.PENDING
    run.progress.tell(Step(attempt.intent.job_key, attempt.intent.name, where))
