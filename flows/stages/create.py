"""Stage 3: create the provider task, at most once. The journal decides; this only does what it says."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from blocks.clients.probe import check_room
from blocks.clients.provider import EditRequest
from blocks.clients.store import StorageFailed
from blocks.clients.transport import CREATE_SECONDS, CallFailed
from flows.ledger.journal import writer
from flows.planning.plan import PlannedJob
from flows.rules.addresses import printable
from flows.rules.failures import Cause, Failure, Outcome, asked_wait, create_outcome, may_post_again
from flows.rules.history import Attempt, Create, Follow, Over, Reconcile, WaitForOwner
from flows.rules.records import Endpoint, Intent, Record, Refused, Submitted, Unanswered
from flows.running.log import job_log
from flows.running.progress import Stage, Step
from flows.running.run import Run
from flows.stages.stage import stage
from flows.stages.upload import Links, signed
from flows.telling.outcomes import create_refused, unrecorded

#: How often a record is written when the storage stumbles: of an id in hand longer, for nothing else knows it.
WRITE_TRIES, WRITE_TRIES_OF_AN_ID = 6, 14
#: The owner of an intent has its answer, or has given up, this many real seconds after writing it.
OWNERSHIP_SECONDS = CREATE_SECONDS + 30
#: How long throttled creates are tried again, in provider seconds.
PATIENCE_SECONDS = 1800.0
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0


@stage("create", named="create {plan.name}", retries=3)
async def create(run: Run, plan: PlannedJob, links: Links | None) -> Attempt | None:
    """Sees to it that the job has its one provider task: creates it, or follows whoever did.

    Args:
        run: The run.
        plan: The job.
        links: Addresses of its media; None when there was nothing to upload for, as in a resume.

    Returns:
        The attempt that has a provider task; None when the journal says something else is to be done first.

    Raises:
        EditStopped: The provider refused it.
    """
    assert plan.job_key is not None
    give_up = run.clock.monotonic() + PATIENCE_SECONDS
    wait = FIRST_WAIT_SECONDS
    while True:
        step = await run.next_step(plan.job_key)
        match step:
            case Follow(attempt=attempt):
                job_log(plan.job_key, plan.name, attempt).info("has its provider task")
                return attempt
            case Over() | Reconcile():
                return None
            case Create() if links is None:
                return None
            case WaitForOwner(until=until):
                await asyncio.sleep(min(1.0, max(0.1, (until - run.clock.now()).total_seconds())))
            case Create(attempt=number):
                assert links is not None
                if any(attempt.committed() for attempt in (await run.journal.history(plan.job_key)).attempts):
                    run.reserve_again(plan)
                failure = await _post(run, plan, links, number)
                if failure is None:
                    continue
                if not may_post_again(failure) or run.clock.monotonic() > give_up:
                    raise create_refused(failure)
                await run.clock.sleep((asked_wait(failure) or wait) * random.uniform(1, 1.3))  # noqa: S311
                wait = min(LONGEST_WAIT_SECONDS, wait * 2)


async def _post(run: Run, plan: PlannedJob, links: Links, number: int) -> Failure | None:
    """Waits for its turn, then claims an attempt and posts it; returns the failure of a refused create."""
    where = await run.endpoint(plan.provider, plan.model)
    async with run.limits.submit_turn(where, run.offer(where).quotas) as begins:
        run.refuse_stopped(where.account)
        await asyncio.to_thread(check_room, run.results)
        # An attempt that is claimed but whose answer nobody hears would have to be held.
        return await run.to_its_end(_claim_and_post(run, plan, links, number, where, begins))


async def _claim_and_post(
    run: Run, plan: PlannedJob, links: Links, number: int, where: Endpoint, begins: Callable[[], None]
) -> Failure | None:
    """Claims an attempt, posts once, and records what came of it; returns the failure of a refused create."""
    assert plan.job_key is not None and plan.job is not None
    client = await run.client(plan.provider)
    fetchable = await signed(run, links)
    now = run.clock.now()
    # Addresses in a record are for people: a query may be a signature.
    job = plan.job.model_copy(
        update={
            "video": printable(plan.job.video),
            "reference_images": tuple(printable(image) for image in plan.job.reference_images),
        }
    )
    intent = Intent(
        attempt=number,
        at=now,
        by=writer(run.flow_run_id),
        job_key=plan.job_key,
        name=plan.name,
        job=job,
        endpoint=where,
        parameters=plan.parameters,
        media={printable(address): identity for address, identity in plan.media.items()},
        clip_seconds=plan.clip_seconds,
        clip_has_sound=plan.clip_has_sound,
        estimate=plan.cost,
        not_after=now + timedelta(seconds=OWNERSHIP_SECONDS),
    )
    try:
        await run.journal.write(plan.job_key, intent)
    except FileExistsError:
        return None
    run.progress.tell(Step(plan.job_key, plan.name, Stage.CREATING, plan.cost))
    request = EditRequest(
        model=plan.model,
        prompt=plan.job.prompt,
        negative_prompt=plan.job.negative_prompt,
        video=fetchable.video,
        reference_images=fetchable.reference_images,
        parameters=plan.parameters,
    )
    if (intent.not_after - run.clock.now()).total_seconds() < CREATE_SECONDS:
        late = Failure(cause=Cause.NOT_SENT, code="TooLate", message="the storage was too slow to post in time")
        await _record(run, plan, Refused(attempt=number, at=run.clock.now(), by=writer(), failure=late))
        return late
    begins()
    try:
        made = await client.create(request)
    except CallFailed as error:
        failure = error.failure
        run.remember(where.account, failure)
        kind = Refused if create_outcome(failure) is Outcome.REFUSED else Unanswered
        log = job_log(plan.job_key, plan.name, request_id=failure.request_id)
        if kind is Refused:
            log.warning("the create was refused, nothing is billed: %s", failure)
        else:
            log.warning("the create got no usable answer and may be billed once: %s", failure)
        await _record(run, plan, kind(attempt=number, at=run.clock.now(), by=writer(), failure=failure))
        return failure if kind is Refused else None
    run.created.add(plan.job_key)
    log = job_log(plan.job_key, plan.name, provider_task_id=made.provider_task_id, request_id=made.request_id)
    log.info("created at %s, %s", where.provider, plan.cost)
    submitted = Submitted(
        attempt=number,
        at=run.clock.now(),
        by=writer(),
        provider_task_id=made.provider_task_id,
        request_id=made.request_id,
    )
    try:
        with suppress(StorageFailed):
            # It keeps other jobs from taking this provider task for theirs; the record itself matters more.
            await _until_written(lambda: run.journal.claim(made.provider_task_id, intent.job_key, number))
        await _record(run, plan, submitted, WRITE_TRIES_OF_AN_ID)
    except StorageFailed as error:
        raise unrecorded(error, made.provider_task_id) from error
    return None


async def _record(run: Run, plan: PlannedJob, record: Record, tries: int = WRITE_TRIES) -> None:
    assert plan.job_key is not None
    key = plan.job_key

    async def write() -> None:
        with suppress(FileExistsError):
            await run.journal.write(key, record)

    await _until_written(write, tries)


async def _until_written(write: Callable[[], Awaitable[object]], tries: int = WRITE_TRIES) -> None:
    """Writes what money depends on, trying again at once when the storage stumbles."""
    for again in range(tries):
        try:
            await write()
        except StorageFailed:
            if again == tries - 1:
                raise
            await asyncio.sleep(min(30.0, 0.2 * 2**again))
        else:
            return
