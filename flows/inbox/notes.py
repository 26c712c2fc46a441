"""The file beside a drop that says why it was not edited, what that means for the money, and what to do."""

import re
from collections.abc import Sequence

from prefect.logging import get_run_logger

from blocks.clients.store import StorageFailed, Store
from flows.rules.drop_ends import Remedy, Why
from flows.rules.drops import NOTE, Drop

_MARK = re.compile(rb"<!-- recut ([0-9a-f]{32}) -->")
_NEXT = {
    Remedy.CHANGE: "Mend it and save it again under the same name: it is then taken up by itself, and this note "
    "disappears. Once settings or rights were at fault, saving it again unchanged does.",
    Remedy.DECISION: "Decide about the job as said above: it is then taken up by itself, and this note disappears "
    "with its result.",
    Remedy.TIME: "It is tried again by itself after a while, and sooner when it is saved again. This note disappears "
    "with its result.",
}


def note(drop: Drop, identity: str, remedy: Remedy, why: Sequence[Why]) -> str:
    """Returns the note for a drop that was not edited, or not wholly.

    Args:
        drop: The drop.
        identity: Its identity: the note is about these very files.
        remedy: What it takes.
        why: All reasons.
    """
    lines = [f"# {_plain(drop.name)} was not edited", ""]
    for reason in why:
        lines += [f"- {_plain(reason.about)}: {_plain(reason.message)}.", f"  → {_plain(reason.advice)}."]
    return "\n".join([*lines, "", _NEXT[remedy], "", f"<!-- recut {identity} -->", ""])


class Notes:
    """The notes in an inbox. That one cannot be written or removed stops no edit.

    Args:
        store: The inbox.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, drop: Drop, identity: str, remedy: Remedy, why: Sequence[Why]) -> None:
        """Writes the note of a drop, in the place of an older one."""
        content = note(drop, identity, remedy, why).encode(errors="replace")
        try:
            if self._about(drop.note) != "":
                self._store.write(drop.note, content)
        except StorageFailed as error:
            get_run_logger().warning("the note for %s could not be written: %s", drop.name, error)

    def remove(self, name: str, *, unless: str | None = None) -> None:
        """Removes a note, if it is one of recut's.

        Args:
            name: Name of the note.
            unless: The identity of the drop which the note may still be about.
        """
        try:
            about = self._about(name)
            if about and about != unless:
                self._store.remove(name)
        except StorageFailed as error:
            get_run_logger().warning("the note %s could not be removed: %s", name, error)

    def _about(self, name: str) -> str | None:
        """Returns the identity a note is about, None where there is no such file, empty where it is not recut's."""
        try:
            found = _MARK.search(self._store.read(name))
        except FileNotFoundError:
            return None
        return found[1].decode() if found else ""


def is_note(name: str) -> bool:
    """Whether a file is named as a note."""
    return name.lower().endswith(NOTE)


def _plain(text: str) -> str:
    """Returns text as one line that cannot end or begin anything in Markdown or HTML."""
    return " ".join(text.split()).replace("<", "&lt;").rstrip(".")
