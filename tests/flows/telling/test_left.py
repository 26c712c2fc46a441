"""What earlier runs left without a result is told with its reason and a way out, from the journal alone."""

import asyncio
import os
from collections.abc import Collection

import pytest
from prefect import flow

from flows.ledger.journal import writer
from flows.rules.failures import Cause
from flows.rules.records import Record
from flows.rules.states import JobState
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.telling.left import left_without_result
from flows.telling.reports import JobReport
from tests.flows.rules.making import NOON, OWNED, decided, intent, refused, settled, submitted, unanswered

pytestmark = pytest.mark.usefixtures("prefect", "providers")
HELD, FAILED = JobState.HELD, JobState.FAILED


def left(jobs: dict[str, list[Record]], known: Collection[str] = (), busy: str | None = None) -> list[JobReport]:
    """Returns what is told of a journal's jobs, while the run may have one of them in hand."""

    async def told(run: Run) -> list[JobReport]:
        for key, records in jobs.items():
            for record in records:
                await run.journal.write(key, record)
        if busy is None:
            return await left_without_result(run, known)
        async with run.turns[busy]:
            return await left_without_result(run, known)

    @flow
    async def looking() -> list[JobReport]:
        async with open_run(RunOptions()) as run:
            return await told(run)

    return asyncio.run(looking())


@pytest.mark.parametrize(
    ("records", "state", "said", "advised"),
    [
        ([unanswered()], HELD, "may be billed once", "--adopt"),
        ([], HELD, "Interrupted", "--adopt"),
        ([refused()], FAILED, "nothing is billed", "run it again"),
        ([submitted(), settled(state="failed", cause=Cause.MODERATION)], FAILED, "not billed", "change the prompt"),
        ([submitted(), settled(state="failed", cause=Cause.PROVIDER_FAULT)], FAILED, "not billed", "once more"),
        ([submitted(), settled(state="expired")], JobState.EXPIRED, "what it cost is lost", "raise the job's take"),
        ([submitted(), settled(state="cancelled")], JobState.CANCELLED, "nothing is billed", "raise the job's take"),
        ([submitted()], JobState.RUNNING, "no run is known to follow it", "picked up where it was"),
        ([unanswered(), decided()], JobState.PLANNED, "decided to create it again", "same command"),
    ],
)
def test_a_job_without_a_result_is_told_with_its_reason_and_a_way_out(records, state, said, advised):
    (job,) = left({"job": [intent(job_key="job"), *records]})
    assert (job.name, job.job_key, job.state) == ("clip", "job", state)
    assert job.error is not None
    assert said in job.error.message
    assert advised in job.error.advice


@pytest.mark.parametrize(
    "records",
    [[submitted(), settled()], [unanswered(), decided(decision="abandon")]],
    ids=["published", "given up"],
)
def test_what_is_published_or_given_up_is_not_told(records):
    assert left({"job": [intent(job_key="job"), *records]}) == []


def test_what_a_run_has_in_hand_is_not_told():
    mine = [intent(job_key="mine"), submitted()]
    another = writer().model_copy(update={"process": os.getppid()})
    followed = [intent(job_key="followed"), submitted().model_copy(update={"by": another})]
    assert left({"mine": mine, "followed": followed}, busy="mine") == []


def test_the_job_begun_last_comes_first_and_known_ones_are_left_out():
    jobs: dict[str, list[Record]] = {
        key: [intent(job_key=key, at=NOON + number * OWNED), unanswered()] for number, key in enumerate("abc")
    }
    assert [job.job_key for job in left(jobs, known={"b"})] == ["c", "a"]
