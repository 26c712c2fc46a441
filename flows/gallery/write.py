"""Reads the sidecars of a results store and writes the gallery beside them."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from blocks.clients.store import Store
from flows.gallery.links import Place
from flows.gallery.page import render
from flows.gallery.prints import make_prints, still_stopped
from flows.rules.sidecar import Sidecar
from flows.telling.reports import JobReport

#: Name of the page, in the results folder.
GALLERY = "gallery.html"
#: Sidecars read at once: hides the distance to a bucket.
_READERS = 16


@dataclass(frozen=True)
class Results:
    """What lies in a results folder.

    Attributes:
        files: Names of all files in it and in folders below.
        sidecars: Those of them that are sidecars, by name.
    """

    files: frozenset[str]
    sidecars: Mapping[str, Sidecar]

    @property
    def job_keys(self) -> frozenset[str]:
        """Keys of the jobs that have published something here."""
        return frozenset(sidecar.job_key for sidecar in self.sidecars.values())


def read_results(store: Store) -> Results:
    """Returns what lies in a results folder.

    Raises:
        StorageFailed: It cannot be listed or read.
    """
    files = frozenset(name for name in store.names("") if not _hidden(name))
    return Results(files, _sidecars(store, files))


def write_gallery(store: Store, stopped: Sequence[JobReport] = (), results: Results | None = None) -> str:
    """Writes the gallery of a results folder, unless the one that is there says the same already.

    Args:
        store: The results folder, with sidecars in it or in folders below.
        stopped: Reports of jobs without a result, to be shown with reason and advice. Published ones and
            those whose result has come since are left out.
        results: What lies in the folder, where it was read already.

    Returns:
        Address of the page.

    Raises:
        StorageFailed: The folder cannot be listed or read, or the page not be written.
    """
    results = results or read_results(store)
    place = Place(str(store.local_root or store.url), on_disk=store.local_root is not None)
    prints = make_prints(results.sidecars, results.files, place)
    page = render(prints, still_stopped(stopped, prints), place).encode("utf-8", "replace")
    with suppress(FileNotFoundError):
        if store.read(GALLERY) == page:
            return store.address(GALLERY)
    return store.write(GALLERY, page)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _sidecars(store: Store, files: Iterable[str]) -> dict[str, Sidecar]:
    names = sorted(name for name in files if name.endswith(".json"))

    def read(name: str) -> Sidecar | None:
        try:
            return Sidecar.model_validate_json(store.read(name))
        except (FileNotFoundError, ValidationError):
            # Taken away meanwhile, or somebody else's JSON: results folders belong to the team.
            return None

    with ThreadPoolExecutor(_READERS) as readers:
        found = zip(names, readers.map(read, names), strict=True)
        return {name: sidecar for name, sidecar in found if sidecar is not None}
