"""Jobs without a published result are found without reading what is published."""

import pytest

from blocks.clients.store import Store
from flows.ledger.journal import Journal
from flows.ledger.unpublished import Unpublished
from flows.rules.records import Record
from tests.flows.rules.making import intent, settled, submitted, unanswered

pytestmark = pytest.mark.anyio


class Noting(Store):
    """A folder on this disk that notes what is read of it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reads: list[str] = []

    def read(self, name: str) -> bytes:
        self.reads.append(name)
        return super().read(name)


@pytest.fixture
def store(tmp_path) -> Noting:
    return Noting(str(tmp_path))


async def begun(store: Store, job_key: str, *records: Record) -> None:
    for record in (intent(job_key=job_key), *records):
        await Journal(store).write(job_key, record)


async def test_nothing_is_read_of_jobs_whose_result_is_at_hand(store):
    published = [f"published-{number}" for number in range(20)]
    for key in published:
        await begun(store, key, submitted(), settled())
    await begun(store, "held", unanswered())
    store.reads.clear()

    histories = await Unpublished(Journal(store)).histories(published)

    assert list(histories) == ["held"]
    assert histories["held"].attempts[0].unanswered is not None
    assert sorted(store.reads) == ["held/001-intent.json", "held/001-unanswered.json"]


async def test_of_a_job_published_elsewhere_only_its_end_is_read_and_once(store):
    await begun(store, "elsewhere", submitted(), settled())
    unpublished = Unpublished(Journal(store))
    for _ in range(2):
        assert await unpublished.histories(()) == {}
    assert store.reads == ["elsewhere/001-settled.json"]


async def test_a_job_that_failed_is_read_again_each_time(store):
    await begun(store, "job", submitted(), settled(state="failed"))
    unpublished = Unpublished(Journal(store))
    assert list(await unpublished.histories(())) == ["job"]
    await Journal(store).write("job", intent(2, job_key="job"))
    await Journal(store).write("job", settled(2))
    assert await unpublished.histories(()) == {}


async def test_a_broken_job_hides_no_other(store):
    await begun(store, "contradicting", submitted(2))
    await begun(store, "fine", unanswered())
    store.write("unreadable/001-intent.json", b"{")
    await Journal(store).claim("task-1", "fine", 1)
    assert list(await Unpublished(Journal(store)).histories(())) == ["fine"]
