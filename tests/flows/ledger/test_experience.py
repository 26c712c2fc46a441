"""What a run knows of run times: from the newest records of the journal, and from its own jobs as they end."""

import os
from contextlib import ExitStack, suppress

import pytest

from blocks.clients.store import Store
from flows.ledger import experience as module
from flows.ledger.experience import Experience
from flows.ledger.journal import Journal
from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import RunTimes, Source
from flows.rules.records import Settled
from tests.flows.ledger.test_journal import intent, said

pytestmark = pytest.mark.anyio

CATALOGUE = RunTimes(median_seconds=200, p95_seconds=400, source=Source(page="a page", date="2026-11-20"))
DASHSCOPE = Provider.DASHSCOPE


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(Store(str(tmp_path)))


async def ended(journal: Journal, key: str, seconds: float | None, *, state: str = "published") -> None:
    await journal.write(key, intent(key))
    await journal.write(key, Settled(**said(), state=state, run_seconds=seconds))


async def median(experience: Experience, model: str = WAN, resolution: str | None = "720P") -> float:
    return (await experience.expected(DASHSCOPE, model, resolution, CATALOGUE, now=1_000)).median_seconds


async def test_an_empty_journal_leaves_what_the_catalogue_says(journal):
    assert await median(Experience(journal)) == 200


async def test_earlier_runs_of_the_same_model_and_resolution_are_learned_from(journal):
    for number in range(30):
        await ended(journal, f"job-{number}", 50)
    experience = Experience(journal)
    assert await median(experience) < 80
    assert await median(experience, resolution=None) < 80
    assert await median(experience, resolution="1080P") == 200
    assert await median(experience, HAPPYHORSE) == 200


async def test_what_failed_or_tells_no_time_teaches_nothing(journal):
    await ended(journal, "failed", 3, state="failed")
    await ended(journal, "untold", None)
    assert await median(Experience(journal)) == 200


async def test_only_the_newest_are_read(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "NEWEST", 5)
    for number in range(8):
        await ended(journal, f"job-{number}", 20 if number < 3 else 200)
        os.utime(tmp_path / f"job-{number}" / "001-settled.json", (number, number))
    assert await median(Experience(journal)) == pytest.approx(200)


async def test_a_run_learns_from_its_own_jobs_as_they_end(journal):
    experience = Experience(journal)
    assert await median(experience) == 200
    for number in range(20):
        experience.ended(intent(f"job-{number}"), 50)
    assert await median(experience) < 90


async def test_those_that_began_together_and_still_run_tell_that_the_first_ends_are_no_measure(journal):
    experience, first_ends_alone = Experience(journal), Experience(journal)
    with ExitStack() as followed:
        for number in range(100):
            followed.enter_context(experience.following(intent(f"job-{number}")))
            experience.began(intent(f"job-{number}"), at=850)
        for number in range(10):
            experience.ended(intent(f"job-{number}"), 100)
            first_ends_alone.ended(intent(f"job-{number}"), 100)
        assert await median(experience) > 150 > await median(first_ends_alone)


async def test_what_was_left_running_teaches_nothing(journal):
    experience, ends_alone = Experience(journal), Experience(journal)
    for number in range(50):
        with suppress(ConnectionError), experience.following(intent(f"left-{number}")):
            experience.began(intent(f"left-{number}"), at=0)
            raise ConnectionError
    for number in range(10):
        experience.ended(intent(f"job-{number}"), 100)
        ends_alone.ended(intent(f"job-{number}"), 100)
    assert await median(experience) == await median(ends_alone)


async def test_a_record_that_cannot_be_understood_is_left_out(journal, tmp_path):
    await ended(journal, "broken", 50)
    (tmp_path / "broken" / "001-settled.json").write_text("{")
    assert await median(Experience(journal)) == 200


async def test_a_journal_that_cannot_be_listed_teaches_nothing_and_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    assert await median(Experience(Journal(Store(str(tmp_path / "file"))))) == 200
