"""Finds out what a storage can really do: by trying it, not by its name."""

import uuid
from contextlib import closing
from dataclasses import dataclass

from blocks.clients.range_reader import RangeReader
from blocks.clients.store import NotExclusive, StorageFailed, Store

#: Less room than this is too little for the results of a run.
LEAST_FREE_BYTES = 500_000_000
_CONTENT = b"recut tries this storage"
_SIGNED_SECONDS = 60


@dataclass(frozen=True)
class Abilities:
    """What a storage was found to do.

    Attributes:
        exclusive: How it creates exclusively, None when it does not.
        lists_at_once: Whether a listing shows at once what was written and removed.
        publishes_whole: Whether a file appears under its name only when it is complete.
        signs: Whether it signs URLs that answer without credentials.
        unsigned_because: Why not, None where it does.
        free_bytes: How much room there is, None where nobody can tell.
    """

    exclusive: str | None
    lists_at_once: bool
    publishes_whole: bool
    signs: bool
    unsigned_because: str | None
    free_bytes: int | None


def probe(store: Store) -> Abilities:
    """Tries a storage with a few small files of its own, and removes them.

    Raises:
        StorageFailed: It cannot even be written, read or listed.
    """
    folder, name = f".probe-{uuid.uuid4().hex}", "file"
    trial = store.below(folder)
    trial.write(name, _CONTENT)
    try:
        if trial.read(name) != _CONTENT:
            raise StorageFailed(f"{store.url} gives back other bytes than were written")
        shows = f"{folder}/{name}" in store.names(f"{folder}/")
        unsigned_because = _why_unsigned(trial, name)
    finally:
        trial.remove(name)
    return Abilities(
        exclusive=_exclusive(trial),
        lists_at_once=shows and not store.names(f"{folder}/"),
        publishes_whole=store.publishes_whole,
        signs=unsigned_because is None,
        unsigned_because=unsigned_because,
        free_bytes=store.free_bytes(),
    )


def check_usable(store: Store) -> None:
    """Makes sure that a storage takes files, before anything is paid for that is to go there.

    Raises:
        StorageFailed: It does not.
    """
    name = f".probe-{uuid.uuid4().hex}"
    store.write(name, _CONTENT)
    store.remove(name)


def check_room(store: Store) -> None:
    """Makes sure that a storage has room for more results; what is paid for already is fetched into the last of it.

    Raises:
        StorageFailed: It has too little.
    """
    free = store.free_bytes()
    if free is not None and free < LEAST_FREE_BYTES:
        raise StorageFailed(f"{store.url} has only {free / 1e6:,.0f} MB left; make room before results come")


def _exclusive(store: Store) -> str | None:
    try:
        store.prove_exclusive()
    except NotExclusive:
        return None
    return store.manner


def _why_unsigned(store: Store, name: str) -> str | None:
    try:
        url = store.sign(name, _SIGNED_SECONDS)
    except StorageFailed as error:
        return str(error)
    try:
        with closing(RangeReader(url)) as reader:
            content = reader.read()
    except OSError as error:
        return f"a URL it signed does not answer ({error})"
    return None if content == _CONTENT else "a URL it signed answers with something else"
