"""What became of drops, remembered beside the journal's records: a drop left in place costs one listing."""

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress

from pydantic import BaseModel, ValidationError

from blocks.clients.store import StorageFailed, Store
from flows.rules.drop_ends import Done, Trouble

_FOLDER = "inbox"
_DONE, _TROUBLE = ".done.json", ".trouble.json"


class Books:
    """The drops that are over or in trouble, by identity, whoever wrote it down.

    Args:
        store: The journal's store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done: set[str] = set()
        self._troubles: dict[str, Trouble] = {}
        self._versions: dict[str, str] = {}
        self._lock = threading.Lock()  # looks and ends are on threads of their own

    def look(self, identities: Iterable[str]) -> None:
        """Learns what is known of drops, where that is not known for good already.

        Raises:
            StorageFailed: It cannot be told, so nothing may be begun.
        """
        if set(identities) <= self._done:
            return
        with self._lock:
            self._look(identities)

    def _look(self, identities: Iterable[str]) -> None:
        listed = self._store.listing(f"{_FOLDER}/")
        names = {name.removeprefix(f"{_FOLDER}/"): info for name, info in listed.items()}
        self._done = {name.removesuffix(_DONE) for name in names if name.endswith(_DONE)}
        found = {name.removesuffix(_TROUBLE): _version(info) for name, info in names.items() if name.endswith(_TROUBLE)}
        for gone in self._troubles.keys() - found.keys():
            del self._troubles[gone], self._versions[gone]
        for identity in identities:
            if identity in found and self._versions.get(identity) != found[identity]:
                self._read(identity, found[identity])

    def is_done(self, identity: str) -> bool:
        """Whether a drop is over."""
        return identity in self._done

    def trouble_of(self, identity: str) -> Trouble | None:
        """Returns what keeps a drop from a result, as far as known."""
        return self._troubles.get(identity)

    def close(self, identities: Iterable[str], done: Done) -> None:
        """Remembers that a drop is over, under all identities that what is left of it may have.

        Raises:
            StorageFailed: It is not remembered; the next look takes the drop up again, which costs nothing.
        """
        with self._lock:
            for identity in identities:
                if identity in self._done:
                    continue
                self._write(f"{identity}{_DONE}", done)
                self._done.add(identity)
                if self._troubles.pop(identity, None) is not None:
                    del self._versions[identity]
                    self._store.remove(f"{_FOLDER}/{identity}{_TROUBLE}")

    def keep(self, identity: str, trouble: Trouble) -> None:
        """Remembers what keeps a drop from a result.

        Raises:
            StorageFailed: It is not remembered.
        """
        with self._lock:
            self._write(f"{identity}{_TROUBLE}", trouble)
            self._versions[identity] = _version(self._store.info(f"{_FOLDER}/{identity}{_TROUBLE}"))
            self._troubles[identity] = trouble

    def _read(self, identity: str, version: str) -> None:
        # What cannot be understood is forgotten: the drop is judged anew, and the journal guards the money.
        with suppress(FileNotFoundError, ValidationError):
            content = self._store.read(f"{_FOLDER}/{identity}{_TROUBLE}")
            self._troubles[identity] = Trouble.model_validate_json(content)
            self._versions[identity] = version

    def _write(self, name: str, record: BaseModel) -> None:
        self._store.write(f"{_FOLDER}/{name}", record.model_dump_json(indent=1).encode())


def records_of_jobs(journal: Store, job_keys: Iterable[str]) -> Mapping[str, list[str]]:
    """Returns the names of the journal's records of jobs; of one that cannot be listed, none.

    Args:
        journal: The journal's store.
        job_keys: The jobs.
    """
    found: dict[str, list[str]] = {}
    for job_key in job_keys:
        with suppress(StorageFailed):
            found[job_key] = journal.names(f"{job_key}/")
    return found


def _version(info: Mapping[str, object]) -> str:
    return "#".join(str(info.get(key)) for key in ("ETag", "etag", "mtime", "created", "size"))
