"""Which jobs of the journal have no published result: told from its file names and few of its records."""

import asyncio
from collections.abc import Collection, Sequence

from blocks.clients.store import StorageFailed
from flows.ledger.journal import Journal
from flows.rules.history import BrokenHistory, History
from flows.rules.records import Settled


class Unpublished:
    """The jobs without a published result.

    Args:
        journal: Where all jobs are recorded.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._published: set[str] = set()  # what was published once stays so

    async def histories(self, known: Collection[str]) -> dict[str, History]:
        """Returns the histories of all jobs that are not published, by job key.

        The journal is listed once. Of a job that was published elsewhere, its ends alone are read, and once. A job
        that cannot be read is left out: `recut status` tells which.

        Args:
            known: Keys of jobs whose result is at hand: nothing of theirs is read.

        Raises:
            StorageFailed: The journal cannot be listed.
        """
        jobs = {
            key: names
            for key, names in (await self._journal.files()).items()
            if key not in known and key not in self._published
        }
        found = await asyncio.gather(*(asyncio.to_thread(self._history, key, jobs[key]) for key in jobs))
        return {key: history for key, history in zip(jobs, found, strict=True) if history is not None}

    def _history(self, job_key: str, names: Sequence[str]) -> History | None:
        ends = [name for name in names if name.endswith("-settled.json")]
        others = [name for name in names if name.endswith(".json") and name not in ends]
        try:
            settled = [self._journal.record(name) for name in ends]
            if any(isinstance(end, Settled) and end.state == "published" for end in settled):
                self._published.add(job_key)
                return None
            return History.of([*settled, *(self._journal.record(name) for name in others)])
        except (StorageFailed, FileNotFoundError, BrokenHistory):
            return None
