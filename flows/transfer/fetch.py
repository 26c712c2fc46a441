"""Fetches a result to this machine: resumed where it broke off, checked against everything its server says of it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from blocks.clients.provider import ProviderTask
from blocks.clients.transport import CallFailed, download
from flows.rules.failures import Cause, Failure
from flows.rules.history import Attempt
from flows.rules.states import ProviderState
from flows.running.run import Run
from flows.transfer.arrival import Arrival, Digest
from flows.transfer.sending import Sending

#: Far above any result of these models, far below any disk: a server must not be able to fill it.
MAX_RESULT_BYTES = 4 * 1024**3
TRIES = 5
FIRST_WAIT_SECONDS = 1.0


class ResultBroken(Exception):
    """What the provider serves as result is none, however often it is fetched."""


async def fetch(run: Run, attempt: Attempt, over: ProviderTask, file: Path, *, sending: Sending | None = None) -> str:
    """Downloads a result and returns its SHA-256; a broken connection goes on from where it was.

    Args:
        run: The run.
        attempt: The attempt, for asking the provider for a fresh link.
        over: The provider task with its link.
        file: Where to put it; what an earlier try left there is continued.
        sending: What sends it on while it arrives, None for nothing.

    Raises:
        CallFailed: It could not be fetched now; another try may go on from what is there.
        ResultBroken: It was served whole, and yet does not match its own checksum or size.
    """
    assert attempt.submitted is not None and over.result_url is not None
    url = over.result_url
    wait = FIRST_WAIT_SECONDS
    arrival = Arrival(file, sending)
    for again in range(TRIES):
        try:
            headers = await _continue(url, arrival)
            return _checked(await arrival.digest(), headers)
        except CallFailed as error:
            if again == TRIES - 1:
                raise
            if error.failure.cause is Cause.FORBIDDEN:
                url = await _fresh_link(run, attempt) or url
        except ResultBroken:
            await arrival.drop()
            if again == TRIES - 1:
                raise
        await asyncio.sleep(wait)
        wait *= 2
    raise AssertionError("the last try returns or raises")


async def _continue(url: str, arrival: Arrival) -> Mapping[str, str]:
    """Fetches what is missing of a file and returns the headers that describe the whole."""
    have = arrival.size
    async with download(url, offset=have) as answer:
        if answer.status == 416 and have:
            await arrival.drop()
            raise CallFailed(_broken("the part already here does not fit the file"))
        if answer.status not in (200, 206):
            cause = Cause.FORBIDDEN if answer.status in (401, 403, 404) else Cause.NO_ANSWER
            raise CallFailed(
                Failure(
                    cause=cause,
                    code=f"HTTP {answer.status}",
                    message=f"the result link answers {answer.status}",
                    status=answer.status,
                )
            )
        if have and not _continues(answer.status, answer.headers, have):
            await arrival.drop()
        if answer.status == 206 and not arrival.size and not _continues(206, answer.headers, 0):
            raise CallFailed(_broken("another part came than was asked for"))
        await arrival.take(answer.pieces, MAX_RESULT_BYTES)
        size = arrival.size
        if size > MAX_RESULT_BYTES:
            raise ResultBroken("the result is larger than any video of these models")
        whole = _whole_size(answer.status, answer.headers)
        if whole is not None and size < whole:
            raise CallFailed(_broken(f"the download ended after {size:,} of {whole:,} bytes"))
        return answer.headers


def _continues(status: int, headers: Mapping[str, str], have: int) -> bool:
    """Whether an answer begins where the file ends so far; one without a range begins at the beginning."""
    return status == 206 and headers.get("content-range", "").removeprefix("bytes ").startswith(f"{have}-")


def _whole_size(status: int, headers: Mapping[str, str]) -> int | None:
    stated = headers.get("content-range", "").rpartition("/")[2] if status == 206 else headers.get("content-length", "")
    return int(stated) if stated and stated.isdigit() else None


def _checked(digest: Digest, headers: Mapping[str, str]) -> str:
    """Returns the SHA-256 of a result after comparing its CRC-64 with the one that OSS announces, where it does."""
    announced = headers.get("x-oss-hash-crc64ecma")
    if announced and announced.isdigit() and int(announced) != digest.crc64:
        raise ResultBroken("the result does not match the checksum its server announces")
    if not digest.size:
        raise ResultBroken("the result is empty")
    return digest.sha256


async def _fresh_link(run: Run, attempt: Attempt) -> str | None:
    """Asks the provider once more: a link may have expired while the result still exists."""
    assert attempt.submitted is not None
    client = await run.client(attempt.intent.endpoint.provider, attempt.intent.endpoint)
    seen = await client.get(attempt.submitted.provider_task_id)
    return seen.result_url if seen.state is ProviderState.SUCCEEDED else None


def _broken(message: str) -> Failure:
    return Failure(cause=Cause.NO_ANSWER, code="DownloadCut", message=message)
