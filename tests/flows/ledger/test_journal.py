"""The journal: written once, never guessed at. Absent is only what certainly is not there."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from blocks.clients.store import StorageFailed, Store
from flows.ledger.journal import Journal, JournalUnreadable, file_safe, owner_is_gone, runs_here, writer
from flows.rules.budget import Cost
from flows.rules.failures import Cause, Failure
from flows.rules.history import History
from flows.rules.job import WAN, EditJob, Provider
from flows.rules.records import Decided, Endpoint, Intent, Record, Refused, Settled, Submitted, Unanswered, Writer

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENDPOINT = Endpoint(
    provider=Provider.DASHSCOPE,
    model=WAN,
    region="ap-southeast-1",
    base_url="https://dashscope-intl.aliyuncs.com/api/v1",
    account="dashscope-1234",
)
FAILURE = Failure(cause=Cause.NO_ANSWER, code="ReadTimeout", message="")


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(Store(str(tmp_path)))


def said(attempt: int = 1) -> dict[str, object]:
    return {"attempt": attempt, "at": NOW, "by": writer("a-flow-run")}


def intent(job_key: str = "job", attempt: int = 1) -> Intent:
    return Intent(
        **said(attempt),
        job_key=job_key,
        name="clip",
        job=EditJob(video="clip.mp4", prompt="黏土 claymation"),
        endpoint=ENDPOINT,
        parameters={"resolution": "720P"},
        media={"clip.mp4": "sha256:1"},
        clip_seconds=3,
        estimate=Cost(amount=Decimal("0.6000"), currency="USD"),
        not_after=NOW + timedelta(seconds=90),
    )


RECORDS: list[Record] = [
    intent(),
    Submitted(**said(), provider_task_id="t-1"),
    Refused(**said(), failure=FAILURE),
    Unanswered(**said(), failure=FAILURE),
    Decided(**said(), decision="recreate", reason="a person said so"),
    Settled(**said(), state="published", result="/results/clip.mp4"),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
async def test_every_record_reads_back_as_it_was_written(journal, record):
    if record.kind != "intent":
        await journal.write("job", intent())
    await journal.write("job", record)
    last = (await journal.history("job")).last
    assert last is not None
    assert getattr(last, record.kind) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
async def test_what_was_written_stands(journal, record):
    await journal.write("job", record)
    before = journal.store.read(f"job/001-{record.kind}.json")
    with pytest.raises(FileExistsError):
        await journal.write("job", record.model_copy(update={"at": NOW + timedelta(days=1)}))
    assert journal.store.read(f"job/001-{record.kind}.json") == before


async def test_of_many_writers_of_one_intent_one_owns_it(journal):
    writes = [journal.write("job", intent()) for _ in range(16)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, FileExistsError) for outcome in outcomes) == 15


async def test_a_job_nobody_began_has_no_history(journal):
    assert (await journal.history("job")).attempts == []


async def test_attempts_come_in_their_order(journal):
    for attempt in (2, 10, 1):
        await journal.write("job", intent(attempt=attempt))
    assert [attempt.number for attempt in (await journal.history("job")).attempts] == [1, 2, 10]


@pytest.mark.parametrize("garbage", [b"", b"{", b"{}", b'{"kind": "intention"}', b'{"kind": "submitted"}', b"\xff"])
async def test_a_record_that_cannot_be_understood_stops_its_job_and_no_other(journal, garbage):
    await journal.write("job", intent())
    await journal.write("other", intent("other"))
    journal.store.create_once("job/001-submitted.json", garbage)
    with pytest.raises(JournalUnreadable, match=r"001-submitted\.json cannot be understood"):
        await journal.history("job")
    assert (await journal.history("other")).last is not None


async def test_records_that_contradict_each_other_stop_their_job(journal):
    await journal.write("job", Submitted(**said(), provider_task_id="t-1"))
    with pytest.raises(JournalUnreadable, match="has no intent"):
        await journal.history("job")


async def test_all_histories_come_at_once_and_a_broken_one_hides_no_other(journal, tmp_path):
    for job_key in ("fine", "broken"):
        await journal.write(job_key, intent(job_key))
        await journal.claim(f"t-{job_key}", job_key, 1)
    await journal.write("fine", Submitted(**said(), provider_task_id="t-fine"))
    (tmp_path / "broken" / "001-submitted.json").write_text("{")
    histories = await journal.histories()
    assert sorted(histories) == ["broken", "fine"]
    assert histories["fine"] == await journal.history("fine")
    assert isinstance(histories["broken"], JournalUnreadable)


async def test_fields_of_a_newer_recut_do_not_make_a_record_unreadable(journal):
    newer = b'{"schema_version": 2, "colour": "blue", ' + intent().model_dump_json().encode()[1:].replace(
        b'"schema_version":1,', b""
    )
    journal.store.create_once("job/001-intent.json", newer)
    last = (await journal.history("job")).last
    assert last is not None and last.intent.schema_version == 2


async def test_a_journal_that_cannot_be_read_is_not_empty(tmp_path):
    (tmp_path / "journal").write_text("a file where the journal should be")
    journal = Journal(Store(str(tmp_path / "journal")))
    for look in (journal.history("job"), journal.claim_of("t-1"), journal.prove_exclusive()):
        with pytest.raises(StorageFailed):
            await look
    with pytest.raises(StorageFailed):
        await journal.write("job", intent())


async def test_rests_of_a_killed_writer_are_no_records(journal, tmp_path):
    await journal.write("job", intent())
    (tmp_path / "job" / ".0123.part").write_bytes(b'{"kind": "subm')
    (tmp_path / "provider-tasks").mkdir()
    (tmp_path / "provider-tasks" / ".0123.part").write_bytes(b"{")
    assert len((await journal.history("job")).attempts) == 1
    assert await journal.claimed() == set()
    assert await journal.claim_for("job", 1) is None


async def test_a_provider_task_belongs_to_one_job_only(journal):
    claims = await asyncio.gather(*(journal.claim("t-1", f"job-{number}", 1) for number in range(8)))
    assert claims.count(True) == 1
    owner = f"job-{claims.index(True)}"
    assert await journal.claim("t-1", owner, 1)
    assert not await journal.claim("t-1", owner, 2)
    claim = await journal.claim_of("t-1")
    assert claim is not None and (claim.provider_task_id, claim.job_key, claim.attempt) == ("t-1", owner, 1)
    assert await journal.claim_for(owner, 1) == claim
    assert await journal.claim_for(owner, 2) is None
    assert await journal.claimed() == {"t-1"}


async def test_a_name_belongs_to_the_job_that_claims_it_first_and_stays_its_own(journal):
    claims = await asyncio.gather(*(journal.claim_name("/results/clip", f"job-{number}") for number in range(8)))
    assert claims.count(True) == 1
    assert await journal.claim_name("/results/clip", f"job-{claims.index(True)}")
    assert await journal.claim_name("/elsewhere/clip", "another")
    assert await journal.job_keys() == []


async def test_a_claim_on_a_name_that_cannot_be_understood_ties_nothing(journal):
    await journal.claim_name("/results/clip", "job")
    (record,) = (journal.store.local_root / "result-names").glob("*.json")
    record.write_text("{")
    with pytest.raises(JournalUnreadable, match="whose a result's name is"):
        await journal.claim_name("/results/clip", "job")


async def test_two_provider_tasks_that_share_a_file_name_are_not_one(journal):
    assert file_safe("a/b") == file_safe("a:b")
    assert await journal.claim("a/b", "job", 1)
    assert not await journal.claim("a:b", "job", 1)


async def test_a_claim_that_cannot_be_understood_ties_nothing(journal):
    assert await journal.claim_of("t-1") is None
    journal.store.create_once("provider-tasks/t-1.json", b"{")
    for look in (journal.claim("t-1", "job", 1), journal.claim_of("t-1"), journal.claim_for("job", 1)):
        with pytest.raises(JournalUnreadable, match=r"t-1\.json"):
            await look


async def test_only_attempts_nobody_answered_are_open_whatever_was_decided_about_them(journal):
    answers = {
        "interrupted": [],
        "unanswered": [Unanswered(**said(), failure=FAILURE)],
        "submitted": [Submitted(**said(), provider_task_id="t-1")],
        "refused": [Refused(**said(), failure=FAILURE)],
        "decided": [Unanswered(**said(), failure=FAILURE), Decided(**said(), decision="abandon", reason="")],
        "settled": [Submitted(**said(), provider_task_id="t-2"), Settled(**said(), state="failed")],
        "adopted": [Unanswered(**said(), failure=FAILURE), Submitted(**said(), provider_task_id="t-3")],
    }
    for job_key, records in answers.items():
        for record in (intent(job_key), *records):
            await journal.write(job_key, record)
    await journal.claim("t-1", "submitted", 1)
    open_jobs = {attempt.intent.job_key for attempt in (await journal.open()).attempts}
    assert open_jobs == {"interrupted", "unanswered", "decided"}
    assert await journal.job_keys() == sorted(answers)


async def test_an_earlier_attempt_that_was_answered_does_not_hide_a_later_one(journal):
    for record in (intent(), Refused(**said(), failure=FAILURE), intent(attempt=2)):
        await journal.write("job", record)
    assert [attempt.number for attempt in (await journal.open()).attempts] == [2]


async def test_a_broken_record_of_an_open_job_hides_no_more_than_it_must(journal):
    await journal.write("no intent", intent("no intent"))
    (journal.store.local_root / "no intent" / "001-intent.json").write_text("{")
    await journal.write("no word of its end", intent("no word of its end"))
    journal.store.create_once("no word of its end/001-unanswered.json", b"{")
    await journal.write("whole", intent("whole"))
    found = await journal.open()
    assert {attempt.intent.job_key for attempt in found.attempts} == {"no word of its end", "whole"}
    assert [("no intent" in text, "cannot be understood" in text) for text in found.unreadable] == [(True, True)]


def begun_by(owner: Writer) -> History:
    return History.of([intent().model_copy(update={"by": owner})])


def test_only_a_dead_process_of_this_machine_is_certainly_gone():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owner = Writer(host=writer().host, process=process.pid)
        assert not owner_is_gone(begun_by(owner)) and runs_here(owner)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert owner_is_gone(begun_by(owner)) and not runs_here(owner)
    elsewhere = owner.model_copy(update={"host": "another-machine"})
    assert not owner_is_gone(begun_by(elsewhere)) and not runs_here(elsewhere)
    assert not owner_is_gone(begun_by(writer()))


def test_a_process_of_somebody_else_is_not_gone():
    assert not owner_is_gone(begun_by(Writer(host=writer().host, process=1)))
    assert writer("flow").flow_run == "flow"
    assert writer().process == os.getpid()
