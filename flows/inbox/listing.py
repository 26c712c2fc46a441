"""An inbox on any storage: what lies in it, without reading any of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from blocks.clients.store import Store, open_anywhere
from flows.planning.sources import STORES
from flows.rules.addresses import printable
from flows.rules.drops import File
from flows.running.places import Places


@dataclass(frozen=True)
class Inbox:
    """A folder where files are dropped.

    Attributes:
        store: The folder.
        known: Stores whose credentials also serve what drops name.
        prompt: Prompt of drops that bring none.
        ours: Folders in it that are recut's own, relative to it.
    """

    store: Store
    known: tuple[Store, ...]
    prompt: str | None
    ours: tuple[str, ...]

    @property
    def files_grow(self) -> bool:
        """Whether a listed file may still grow: object storages show a file when it is whole."""
        return self.store.protocol not in STORES

    def is_ours(self, name: str) -> bool:
        """Whether a file lies in a folder of recut's own."""
        return any(name.startswith(f"{folder}/") for folder in self.ours)

    def files(self) -> list[File]:
        """Returns what lies in it.

        Raises:
            StorageFailed: It cannot be listed.
        """
        listed = self.store.listing()
        return [_file(name, info) for name, info in listed.items() if not self.is_ours(name) and not _is_odd(info)]


def open_inbox(url: str, places: Places, prompt: str | None) -> Inbox:
    """Opens an inbox, with the credentials of the run's other stores where they serve; makes a missing local folder.

    Args:
        url: Path or URL of the folder.
        places: Where results, journal and staging are.
        prompt: Prompt of drops that bring none.

    Raises:
        StorageFailed: No such storage is known.
        ValueError: It is a folder that recut itself writes to: every result would be a new drop.
    """
    store, _ = open_anywhere(f"{url.rstrip('/')}/any", places.known)
    if store.local_root is not None:
        store.local_root.mkdir(parents=True, exist_ok=True)
    own = {"results": places.results, "journal": places.journal, "staging storage": places.staging}
    ours = []
    for what, place in own.items():
        below = _below(store, place) if place is not None else None
        if below == "":
            raise ValueError(
                f"the inbox {printable(url)} is also the folder of the {what}: each result would be a new drop; "
                "nothing was created, give the inbox a folder of its own"
            )
        if below is not None:
            ours.append(below)
    return Inbox(store, places.known, prompt, tuple(ours))


def refuse_passing_inbox(url: str) -> None:
    """Refuses a relative folder as the inbox of a run that a Prefect worker starts in a folder of its own.

    Raises:
        ValueError: It is one: nobody could drop anything there.
    """
    if "://" not in url and not Path(url).expanduser().is_absolute():
        raise ValueError(
            f"the inbox is {url}, a relative folder, and a deployed run has a working directory of its own, where "
            "nobody drops anything; give RECUT_INBOX as an absolute path or a bucket's URL"
        )


def _below(outer: Store, inner: Store) -> str | None:
    """Returns where a store is inside another one, empty where it is the same folder, None where it is outside."""
    if outer.local_root is not None and inner.local_root is not None:
        outer_path, inner_path = os.path.realpath(outer.local_root), os.path.realpath(inner.local_root)
        if inner_path == outer_path:
            return ""
        return str(Path(inner_path).relative_to(outer_path)) if inner_path.startswith(f"{outer_path}{os.sep}") else None
    if inner.url == outer.url:
        return ""
    return inner.url.removeprefix(f"{outer.url}/") if inner.url.startswith(f"{outer.url}/") else None


def _is_odd(info: Mapping[str, Any]) -> bool:
    """Whether it is a pipe or a device: to open one could take for ever."""
    return info.get("type") == "other" and not info.get("islink")


def _file(name: str, info: Mapping[str, Any]) -> File:
    changed = [moment for key in ("mtime", "created", "LastModified", "updated") if (moment := _seconds(info.get(key)))]
    version = info.get("ETag") or info.get("etag") or "-".join(f"{moment:.6f}" for moment in changed)
    return File(name, int(info.get("size") or 0), str(version), max(changed, default=None))


def _seconds(moment: object) -> float | None:
    """Returns a moment as seconds since the epoch, however the storage tells it."""
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else None
