"""Stage 5: fetch the result, verify it, publish it with pictures and sidecar, and settle the job."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from blocks.clients.backends import Ahead
from blocks.clients.provider import ProviderTask
from blocks.clients.store import StorageFailed
from blocks.clients.transport import CallFailed
from flows.ledger.journal import writer
from flows.ledger.names import own_name
from flows.media import Expected, verify_result
from flows.rules.budget import bill
from flows.rules.facts import VideoFacts
from flows.rules.failures import Cause, Failure
from flows.rules.history import Attempt
from flows.rules.records import Intent, Settled
from flows.rules.sidecar import ResultFacts, Sidecar, Timings, longer_name
from flows.rules.states import ProviderState
from flows.running.log import job_log
from flows.running.progress import Stage, Step
from flows.running.run import Run
from flows.stages.comparison import compared
from flows.stages.stage import stage
from flows.telling.outcomes import runs_on
from flows.transfer.fetch import ResultBroken, fetch
from flows.transfer.sending import sending


@stage("persist", named="persist {name}", retries=4)
async def persist(run: Run, name: str, attempt: Attempt, over: ProviderTask) -> None:
    """Settles a provider task that is over; a succeeded one is published first.

    Args:
        run: The run.
        name: Name of the result, without ending.
        attempt: The attempt the provider task belongs to.
        over: What the provider says of it.

    Raises:
        CallFailed: The download broke, and the next try goes on from what is there; or no video came.
        StorageFailed: Not all was published; the next try does it again.
        EditStopped: What came does not match its own checksum, however often it is fetched.
    """
    intent = attempt.intent
    run.progress.tell(Step(intent.job_key, name, Stage.PERSISTING))
    log = job_log(intent.job_key, name, attempt)
    if over.state is not ProviderState.SUCCEEDED:
        settled = _settled(run, attempt, over)
        log.warning("ended without a result: %s", over.failure or over.state)
    else:
        async with run.persisting:
            settled = await _publish(run, await own_name(run, name, intent.job_key), attempt, over)
        log.info("published as %s, %s", settled.result, settled.cost)
        for note in settled.notes:
            log.info("worth a look: %s", note)
    with suppress(FileExistsError):
        await run.journal.write(intent.job_key, settled)


def _settled(run: Run, attempt: Attempt, over: ProviderTask) -> Settled:
    states = {ProviderState.FAILED: "failed", ProviderState.CANCELED: "cancelled", ProviderState.UNKNOWN: "expired"}
    return Settled.model_validate(
        {
            "attempt": attempt.number,
            "at": run.clock.now(),
            "by": writer(run.flow_run_id),
            "state": states[over.state],
            "failure": over.failure,
            "run_seconds": over.run_seconds,
        }
    )


async def _publish(run: Run, name: str, attempt: Attempt, over: ProviderTask) -> Settled:
    assert attempt.submitted is not None
    intent, provider_task_id = attempt.intent, attempt.submitted.provider_task_id
    file = run.scratch_file(intent.job_key, "result.mp4")
    labels = {"recut-job-key": intent.job_key, "recut-provider-task": provider_task_id}
    async with sending(await asyncio.to_thread(_ahead, run, name, file, labels)) as sent:
        try:
            sha256 = await fetch(run, attempt, over, file, sending=sent)
        except ResultBroken as error:
            raise runs_on(provider_task_id, str(error)) from error
        verified = await run.look(verify_result, file, _expected(run, intent))
        if verified.problems or verified.facts is None:
            # Something in between may have answered for the storage: it is asked again, as after a broken download.
            file.unlink()
            text = f"what came is no playable video: {'; '.join(verified.problems)}"
            raise CallFailed(Failure(cause=Cause.NONSENSE, code="NoVideo", message=text))
        wished, name = name, await asyncio.to_thread(_free_name, run, name, intent.job_key, sha256)
        if name == wished and await sent.finish():
            address = run.results.address(f"{name}.mp4")
        else:
            address = await asyncio.to_thread(run.results.publish, f"{name}.mp4", file, labels, shared=True)
    sheet, looks = await run.look(compared, intent, verified, name, run.places.known)
    if sheet is not None:
        await asyncio.to_thread(run.results.write, f"{name}.jpg", sheet, labels)
    sidecar = _sidecar(run, name, attempt, over, sha256, verified.facts, [*verified.notes, *looks], bool(sheet))
    content = sidecar.model_dump_json(indent=1).encode()
    sidecar_address = await asyncio.to_thread(run.results.write, f"{name}.json", content, labels)
    return Settled(
        attempt=attempt.number,
        at=run.clock.now(),
        by=writer(run.flow_run_id),
        state="published",
        result=address,
        sidecar=sidecar_address,
        sha256=sha256,
        size_bytes=verified.facts.size_bytes,
        cost=sidecar.cost or intent.estimate,
        run_seconds=over.run_seconds,
        notes=sidecar.notes,
    )


def _expected(run: Run, intent: Intent) -> Expected:
    longest = intent.parameters.get("duration") or run.offer(intent.endpoint).output.max_seconds
    seconds = intent.clip_seconds
    if seconds is not None and longest:
        seconds = min(seconds, float(longest))
    return Expected(
        duration_seconds=seconds,
        resolution=intent.parameters.get("resolution"),
        ratio=intent.parameters.get("ratio"),
        audio=intent.clip_has_sound or (False if intent.parameters.get("audio_setting") == "origin" else None),
    )


def _ahead(run: Run, name: str, file: Path, labels: Mapping[str, str]) -> Ahead | None:
    """Returns a way to send the result under its name while it arrives, None where it may have to get another."""
    ahead = run.results.ahead(f"{name}.mp4", file, labels)
    try:
        taken = ahead is not None and any(
            run.results.size(f"{name}{part}") is not None for part in (".mp4", ".json", ".jpg")
        )
    except StorageFailed:
        return None  # what is paid for is fetched all the same
    return None if taken else ahead


def _free_name(run: Run, name: str, job_key: str, sha256: str) -> str:
    """Returns the name, or one with the job key when another file already has it: nothing is overwritten."""
    try:
        free = run.results.sha256(f"{name}.mp4") == sha256
    except FileNotFoundError:
        free = all(run.results.size(f"{name}{part}") is None for part in (".json", ".jpg"))
    return name if free else longer_name(name, job_key)


def _sidecar(
    run: Run,
    name: str,
    attempt: Attempt,
    over: ProviderTask,
    sha256: str,
    facts: VideoFacts,
    notes: list[str],
    has_sheet: bool,
) -> Sidecar:
    assert attempt.submitted is not None
    intent, offer = attempt.intent, run.offer(attempt.intent.endpoint)
    stem = name.rpartition("/")[2]
    return Sidecar(
        name=name,
        job_key=intent.job_key,
        take=intent.job.take,
        provider=intent.endpoint.provider,
        model=intent.endpoint.model,
        region=intent.endpoint.region,
        account=intent.endpoint.account,
        provider_task_id=attempt.submitted.provider_task_id,
        request_id=attempt.submitted.request_id,
        prompt=intent.job.prompt,
        negative_prompt=intent.job.negative_prompt,
        video=intent.job.video,
        reference_images=list(intent.job.reference_images),
        media=intent.media,
        parameters=intent.parameters,
        clip_seconds=intent.clip_seconds,
        estimate=intent.estimate,
        cost=bill(offer, intent.parameters, over.billed_seconds),
        usage=dict(over.usage),
        result=ResultFacts(
            file=f"{stem}.mp4",
            sha256=sha256,
            size_bytes=facts.size_bytes,
            container=facts.container,
            codec=facts.codec,
            duration_seconds=facts.duration_seconds,
            width=facts.width,
            height=facts.height,
            frame_rate=facts.frame_rate,
            has_audio=facts.has_audio,
        ),
        contact_sheet=f"{stem}.jpg" if has_sheet else None,
        notes=notes,
        timings=Timings(
            intent_at=intent.at,
            submitted_at=over.submitted_at or attempt.submitted.at,
            started_at=over.started_at,
            ended_at=over.ended_at,
            published_at=run.clock.now(),
            run_seconds=over.run_seconds,
        ),
        made_by=_recut(),
    )


@cache  # finding it out reads the installed package's metadata, which takes longer than all else of a sidecar
def _recut() -> str:
    return f"recut {version('recut')}"
