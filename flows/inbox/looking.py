"""One look into an inbox: which drops are complete and new. Events wake whoever looks; listings decide."""

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.clients.store import StorageFailed, Store
from flows.inbox.books import Books, records_of_jobs
from flows.inbox.listing import Inbox
from flows.inbox.notes import Notes, is_note
from flows.inbox.reading import named_in, rows_of_drop, rows_of_manifest
from flows.rules.drop_ends import is_due
from flows.rules.drops import NOTE, Drop, File, Kind, drops_of, manifests_among
from flows.rules.settling import Patience, Sighting, has_waited, is_alone, is_settled, sightings

#: Instructions read at once: hides the distance to a bucket.
_READERS = 8


@dataclass(frozen=True)
class Found:
    """A drop that is complete and new.

    Attributes:
        drop: The drop.
        identity: What it is remembered by.
        named: The versions of the files of the inbox that its instructions name, empty for one that is not there.
    """

    drop: Drop
    identity: str
    named: Mapping[str, str]


@dataclass(frozen=True)
class Look:
    """What a look found.

    Attributes:
        found: The drops to be taken in.
        waits: Whether something is there that becomes a drop, or a bad one, without any further change.
    """

    found: list[Found]
    waits: bool


class Looker:
    """Looks into an inbox again and again, remembering between looks only what it saw.

    Args:
        inbox: The inbox.
        books: What became of earlier drops.
        notes: The notes in the inbox.
        journal: The journal's store, where people's decisions are.
        patience: How long to wait before something is taken for what it seems.
    """

    def __init__(self, inbox: Inbox, books: Books, notes: Notes, journal: Store, patience: Patience) -> None:
        self._inbox = inbox
        self._books = books
        self._notes = notes
        self._journal = journal
        self._patience = patience
        self._seen: dict[str, Sighting] = {}
        self._named: dict[str, frozenset[str]] = {}

    def look(self, not_new: Collection[str]) -> Look:
        """Lists the inbox and returns what is to be taken in now.

        Args:
            not_new: Identities of drops that somebody is at already.

        Raises:
            StorageFailed: The inbox or the books cannot be listed.
        """
        now, clock = time.monotonic(), time.time()
        files = self._inbox.files()
        self._seen = sightings(self._seen, files, now)
        versions = {file.name: f"{file.version}#{file.size_bytes}" for file in files}
        manifests = {self._manifest_identity(file): file for file in manifests_among(files)}
        unread = self._read_manifests(manifests, now, clock)
        named = {file.name: self._named.get(identity, frozenset()) for identity, file in manifests.items()}
        drops = {drop.identity(self._inbox.store.url): drop for drop in drops_of(files, named)}
        self._named = {key: names for key, names in self._named.items() if key in drops or key in manifests}
        self._books.look(drops)
        self._drop_notes(versions)
        new = {
            identity: drop
            for identity, drop in drops.items()
            if identity not in not_new and not self._is_left_alone(identity, versions)
        }
        settled = {identity: drop for identity, drop in new.items() if self._is_settled(drop, now, clock)}
        self._read_named(settled)
        found = [
            Found(drop, identity, {name: versions.get(name, "") for name in sorted(self._names(identity, drop))})
            for identity, drop in settled.items()
            if self._is_complete(identity, drop, now, clock, unread=unread)
        ]
        ready = {each.identity for each in found}
        waiting = [drop for identity, drop in new.items() if identity not in ready]
        return Look(found, any(not has_waited(drop, self._seen, self._patience, now=now) for drop in waiting))

    def _manifest_identity(self, file: File) -> str:
        """Returns what a manifest's own content is known by, whatever becomes of the clips it names."""
        return Drop(Kind.MANIFEST, file.name, (file,)).identity(self._inbox.store.url)

    def _read_manifests(self, manifests: Mapping[str, File], now: float, clock: float) -> bool:
        """Learns what new manifests name; returns whether one could not be read yet."""
        unread = False
        for identity, file in manifests.items():
            if identity in self._named:
                continue
            if self._is_settled(Drop(Kind.MANIFEST, file.name, (file,)), now, clock):
                with suppress(FileNotFoundError, StorageFailed):
                    rows = rows_of_manifest(self._inbox, file.name, file.size_bytes)
                    self._named[identity] = frozenset(named_in(self._inbox, rows))
            unread = unread or identity not in self._named
        return unread

    def _is_left_alone(self, identity: str, versions: Mapping[str, str]) -> bool:
        """Whether a drop is over, or in trouble that nothing has changed about."""
        if self._books.is_done(identity):
            return True
        trouble = self._books.trouble_of(identity)
        if trouble is None:
            return False
        held = records_of_jobs(self._journal, trouble.held)
        return not is_due(trouble, datetime.now(UTC), held, versions)

    def _is_settled(self, drop: Drop, now: float, clock: float) -> bool:
        return is_settled(drop, self._seen, self._patience, now=now, clock=clock)

    def _read_named(self, drops: Mapping[str, Drop]) -> None:
        """Learns which files the instructions of new drops name."""
        unread = {
            identity: drop
            for identity, drop in drops.items()
            if drop.fields and drop.kind is not Kind.MANIFEST and identity not in self._named
        }

        def read(drop: Drop) -> frozenset[str]:
            # Whoever takes it in says what is wrong with it.
            with suppress(FileNotFoundError, StorageFailed):
                return frozenset(named_in(self._inbox, rows_of_drop(self._inbox, drop)))
            return frozenset()

        with ThreadPoolExecutor(_READERS) as readers:
            self._named |= dict(zip(unread, readers.map(read, unread.values()), strict=True))

    def _names(self, identity: str, drop: Drop) -> frozenset[str]:
        """Returns the files that a drop's instructions name besides its own."""
        if drop.kind is Kind.MANIFEST:
            identity = self._manifest_identity(drop.files_by_name[drop.name])
        return self._named.get(identity, frozenset()) - drop.files_by_name.keys()

    def _is_complete(self, identity: str, drop: Drop, now: float, clock: float, *, unread: bool) -> bool:
        """Whether nothing more is to be waited for: what a drop lacks is there, or will not come any more."""
        if has_waited(drop, self._seen, self._patience, now=now):
            return True
        if drop.is_bare:
            alone = is_alone(drop, self._seen, self._patience, now=now, clock=clock)
            return self._inbox.prompt is not None and alone and not unread
        if drop.kind is Kind.FOLDER and drop.clip is None and not self._names(identity, drop):
            return False
        return all(name in self._seen for name in self._names(identity, drop))

    def _drop_notes(self, versions: Mapping[str, str]) -> None:
        """Removes the notes about drops that were taken away."""
        for name in versions:
            if is_note(name) and name[: -len(NOTE)] not in versions:
                self._notes.remove(name)
