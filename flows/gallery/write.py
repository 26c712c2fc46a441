"""Reads the sidecars of a results store and writes the gallery beside them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

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


def write_gallery(store: Store, stopped: Sequence[JobReport] = ()) -> str:
    """Writes the gallery of a results folder, unless the one that is there says the same already.

    Args:
        store: The results folder, with sidecars in it or in folders below.
        stopped: Reports of jobs without a result, to be shown with reason and advice. Published ones and
            those whose result has come since are left out.

    Returns:
        Address of the page.

    Raises:
        StorageFailed: The folder cannot be listed or read, or the page not be written.
    """
    files = frozenset(name for name in store.names("") if not _hidden(name))
    place = Place(str(store.local_root or store.url), on_disk=store.local_root is not None)
    prints = make_prints(_sidecars(store, files), files, place)
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
