"""The journal: write-once records per job key on storage, the durable truth about what was paid for.

A record is one JSON file, ``<job key>/<attempt>-<kind>.json``, created exclusively and never changed or removed.
Two writers of one record cannot both succeed, whatever machines they run on; the loser reads and follows.
"""

import asyncio
import functools
import hashlib
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from blocks.clients.files import changed_at
from blocks.clients.store import NotExclusive, StorageFailed, Store
from flows.rules.history import Attempt, BrokenHistory, History
from flows.rules.records import RECORD, Intent, Record, Settled, Unanswered, Writer

#: Where the journal is below the results, unless it has a place of its own.
JOURNAL_FOLDER = ".recut/journal"
_TASKS, _NAMES = "provider-tasks", "result-names"
#: Holds a key as long as its context lasts, so that nobody else, on any machine, holds it meanwhile.
Alone = Callable[[str], AbstractAsyncContextManager[None]]


class JournalUnreadable(StorageFailed):
    """A record is there but cannot be understood, so nothing may be concluded about its job."""


class Claim(BaseModel):
    """Says which job a provider task belongs to; created once, so that no two jobs share a provider task.

    Named by the provider task alone: a key that was changed since names the same account differently.
    """

    of: ClassVar[str] = "a provider task"

    provider_task_id: str
    job_key: str
    attempt: int


class NameClaim(BaseModel):
    """Says which job's result an address is for; created once, so that no two jobs write one file."""

    of: ClassVar[str] = "a result's name"

    address: str
    job_key: str


C = TypeVar("C", Claim, NameClaim)


@dataclass(frozen=True)
class Open:
    """The creates without an answer, of all jobs.

    Attributes:
        attempts: Those that can be read.
        unreadable: For each other one, what is wrong with it; nobody can tell what it sent, or where.
    """

    attempts: Sequence[Attempt]
    unreadable: Sequence[str]


class Journal:
    """The records of all jobs that share one store.

    Args:
        store: Where the records are.
        alone: Lets one writer at a time have a key, for storages that cannot create exclusively.
    """

    def __init__(self, store: Store, alone: Alone | None = None) -> None:
        self.store = store
        self._alone = alone
        self.needs_guard = False
        self._claims: dict[str, Claim] = {}  # what was read once stays true
        self._reading_claims = asyncio.Lock()

    async def prove_exclusive(self) -> None:
        """Makes sure that records are created exclusively, before money depends on it.

        Where the storage cannot do it, every record is written by one writer at a time from now on.

        Raises:
            NotExclusive: The storage cannot, and nothing else keeps two writers apart.
            StorageFailed: It cannot be reached.
        """
        try:
            await asyncio.to_thread(self.store.prove_exclusive)
        except NotExclusive:
            if self._alone is None:
                raise
            self.needs_guard = True

    async def history(self, job_key: str) -> History:
        """Returns what is recorded of a job.

        Raises:
            StorageFailed: It cannot be read; which is not the same as empty.
        """
        return await asyncio.to_thread(self._history, job_key)

    async def histories(self) -> dict[str, History | StorageFailed]:
        """Returns what is recorded of every job ever begun, by job key; for one that cannot be read, why.

        The journal is listed once, and its records are read side by side.

        Raises:
            StorageFailed: It cannot be listed.
        """
        jobs = await self.files()

        def read(job_key: str) -> History | StorageFailed:
            try:
                return self._history_of(job_key, jobs[job_key])
            except StorageFailed as error:
                return error

        found = await asyncio.gather(*(asyncio.to_thread(read, job_key) for job_key in jobs))
        return dict(zip(jobs, found, strict=True))

    def _history(self, job_key: str) -> History:
        return self._history_of(job_key, self.store.names(f"{job_key}/"))

    def _history_of(self, job_key: str, names: Sequence[str]) -> History:
        records = [self.record(name) for name in names if name.endswith(".json")]
        try:
            return History.of(records)
        except BrokenHistory as error:
            raise JournalUnreadable(
                f"the journal at {self.store.address(job_key)} contradicts itself ({error}); "
                "nothing is created for its job until it is mended"
            ) from error

    def record(self, name: str) -> Record:
        """Returns one record.

        Args:
            name: Its file.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be read.
            JournalUnreadable: It cannot be understood.
        """
        content = self.store.read(name)
        try:
            return RECORD.validate_json(content)
        except ValidationError as error:
            raise JournalUnreadable(
                f"the journal record {self.store.address(name)} cannot be understood "
                f"({error.error_count()} problems); nothing is created for its job until it is mended"
            ) from error

    async def write(self, job_key: str, record: Record) -> None:
        """Writes a record once.

        Raises:
            FileExistsError: It was written before, by this or another process; what stands, stands.
            StorageFailed: It was not written as far as can be told.
        """
        content = RECORD.dump_json(record, indent=1)
        await self._create(job_key, f"{job_key}/{record.attempt:03}-{record.kind}.json", content)

    async def _create(self, key: str, name: str, content: bytes) -> None:
        if not self.needs_guard or self._alone is None:
            await asyncio.to_thread(self.store.create_once, name, content)
            return
        async with self._alone(key):
            await asyncio.to_thread(self._create_alone, name, content)

    def _create_alone(self, name: str, content: bytes) -> None:
        if self.store.size(name) is not None:
            raise FileExistsError(name)
        self.store.write(name, content)
        if self.store.read(name) != content:  # somebody wrote who did not wait for us
            raise FileExistsError(name)

    async def claim(self, provider_task_id: str, job_key: str, attempt: int) -> bool:
        """Ties a provider task to a job; returns whether it belongs to this job and attempt now.

        Raises:
            StorageFailed: It cannot be told.
        """
        wanted = Claim(provider_task_id=provider_task_id, job_key=job_key, attempt=attempt)
        name = _claim_name(provider_task_id)
        try:
            await self._create(name, name, wanted.model_dump_json().encode())
        except FileExistsError:
            return await asyncio.to_thread(self._claim, name) == wanted
        return True

    async def claim_name(self, address: str, job_key: str) -> bool:
        """Ties the address of a result to a job; returns whether it is this job's now.

        Raises:
            StorageFailed: It cannot be told.
        """
        wanted = NameClaim(address=address, job_key=job_key)
        name = f"{_NAMES}/{hashlib.sha256(address.encode()).hexdigest()[:32]}.json"
        try:
            await self._create(name, name, wanted.model_dump_json().encode())
        except FileExistsError:
            return await asyncio.to_thread(self._read_claim, name, NameClaim) == wanted
        return True

    async def claimed(self) -> set[str]:
        """Returns the provider tasks that jobs have claimed, as file-safe ids."""
        names = await asyncio.to_thread(self.store.names, f"{_TASKS}/")
        return {name.rpartition("/")[2].removesuffix(".json") for name in names if name.endswith(".json")}

    async def claim_of(self, provider_task_id: str) -> Claim | None:
        """Returns the claim on a provider task, None when there is none.

        Raises:
            StorageFailed: It cannot be told.
        """
        try:
            return await asyncio.to_thread(self._claim, _claim_name(provider_task_id))
        except FileNotFoundError:
            return None

    async def claim_for(self, job_key: str, attempt: int) -> Claim | None:
        """Returns the claim an attempt made, None when it made none.

        Raises:
            StorageFailed: It cannot be told.
        """
        # One at a time: whoever comes second finds all claims read.
        async with self._reading_claims:
            names = await asyncio.to_thread(self.store.names, f"{_TASKS}/")
            claims = await asyncio.gather(
                *(asyncio.to_thread(self._claim, name) for name in names if name.endswith(".json"))
            )
        return next((claim for claim in claims if (claim.job_key, claim.attempt) == (job_key, attempt)), None)

    def _claim(self, name: str) -> Claim:
        if name not in self._claims:
            self._claims[name] = self._read_claim(name, Claim)
        return self._claims[name]

    def _read_claim(self, name: str, kind: type[C]) -> C:
        content = self.store.read(name)
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            raise JournalUnreadable(
                f"{self.store.address(name)}, which says whose {kind.of} is, cannot be understood; mend it"
            ) from error

    async def job_keys(self) -> list[str]:
        """Returns the keys of all jobs ever begun."""
        return sorted(await self.files())

    async def files(self) -> dict[str, list[str]]:
        """Returns the files of all jobs ever begun, by job key.

        Raises:
            StorageFailed: The journal cannot be listed.
        """
        names = await asyncio.to_thread(self.store.names, "")
        jobs = {name.partition("/")[0]: list[str]() for name in names if name.endswith("-intent.json")}
        for name in names:
            if (job_key := name.partition("/")[0]) in jobs:
                jobs[job_key].append(name)
        return jobs

    async def newest_published(self, count: int) -> list[Attempt]:
        """Returns so many of the attempts that were published last, the newest at the end.

        Raises:
            StorageFailed: The journal cannot be read; one broken record is left out.
        """
        listed = await asyncio.to_thread(self.store.listing)
        settled = sorted((changed_at(info) or 0.0, name) for name, info in listed.items() if "-settled" in name)
        names = [name for _, name in settled[-count:]]
        found = await asyncio.gather(*(asyncio.to_thread(self._published, name) for name in names))
        return [attempt for attempt in found if attempt is not None]

    def _published(self, settled_name: str) -> Attempt | None:
        try:
            settled = self.record(settled_name)
            intent = self.record(settled_name.replace("-settled", "-intent"))
        except (FileNotFoundError, JournalUnreadable):
            return None
        if not isinstance(settled, Settled) or not isinstance(intent, Intent) or settled.state != "published":
            return None
        return Attempt(intent.attempt, intent, settled=settled)

    async def open(self) -> Open:
        """Returns the attempts whose outcome nobody knows, of all jobs: file names alone tell which.

        A decision to go on without knowing tells nothing: what the POST made, if anything, is still its own.

        Raises:
            StorageFailed: The journal cannot be read; one broken record is no reason, and told apart.
        """
        names = await asyncio.to_thread(self.store.names, "")
        telling = ("-submitted.json", "-refused.json", "-settled.json")
        known = {name.rpartition("-")[0] for name in names if name.endswith(telling)}
        begun = [name for name in names if name.endswith("-intent.json") and name.rpartition("-")[0] not in known]
        found = await asyncio.gather(*(asyncio.to_thread(self._open, name) for name in begun))
        return Open(
            [each for each in found if isinstance(each, Attempt)], [each for each in found if isinstance(each, str)]
        )

    def _open(self, intent_name: str) -> Attempt | str:
        """Returns an attempt nobody answered, or says why it cannot be told; its intent alone tells enough."""
        try:
            intent = self.record(intent_name)
        except JournalUnreadable as error:
            return str(error)
        if not isinstance(intent, Intent):
            return f"{self.store.address(intent_name)} holds no intent"
        attempt = Attempt(intent.attempt, intent)
        with suppress(FileNotFoundError, JournalUnreadable):
            record = self.record(intent_name.replace("-intent", "-unanswered"))
            attempt.unanswered = record if isinstance(record, Unanswered) else None
        return attempt


def _claim_name(provider_task_id: str) -> str:
    return f"{_TASKS}/{file_safe(provider_task_id)}.json"


def file_safe(provider_task_id: str) -> str:
    """Returns a provider task's id as it names a claim."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in provider_task_id)[:150]


def writer(flow_run: str | None = None) -> Writer:
    """Returns who is writing."""
    return Writer(host=_host(), process=os.getpid(), flow_run=flow_run)


def owner_is_gone(history: History) -> bool:
    """Whether the process that wrote the last intent certainly no longer runs: only knowable on its own machine."""
    owner = history.last.intent.by if history.last else None
    return owner is not None and owner.host == _host() and not _runs(owner.process)


def runs_here(owner: Writer) -> bool:
    """Whether the process that wrote a record runs on this machine."""
    return owner.host == _host() and _runs(owner.process)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@functools.cache
def _host() -> str:
    """The machine and its process table: containers that share a name still have tables of their own."""
    try:
        table = f".{os.stat('/proc/self/ns/pid').st_ino}"
        with open("/proc/sys/kernel/random/boot_id") as stream:
            boot = f".{stream.read().strip()[:8]}"
    except OSError:
        table = boot = ""
    return f"{socket.gethostname()}{boot}{table}"
