"""Reads what a drop asks for: its prompt, its fields, its manifest."""

from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from flows.inbox.listing import Inbox
from flows.planning.plan import rows_of
from flows.rules.drops import Drop, Kind
from flows.rules.manifest import ManifestError, Row, read_job, resolve
from flows.rules.problems import Problem

#: More than any prompt or job holds; what is larger is no instructions.
LONGEST_INSTRUCTIONS_BYTES = 1024 * 1024
LONGEST_MANIFEST_BYTES = 64 * 1024 * 1024


def rows_of_drop(inbox: Inbox, drop: Drop) -> list[Row]:
    """Returns what a drop asks for, jobs or the problems that keep it from being any.

    Raises:
        FileNotFoundError: One of its files was taken away.
        StorageFailed: One cannot be read.
    """
    if drop.kind is Kind.MANIFEST:
        rows = rows_of_manifest(inbox, drop.name, drop.files_by_name[drop.name].size_bytes)
    else:
        rows = [_row(inbox, drop)]
    return [_with_prompt(row, inbox.prompt) for row in rows]


def rows_of_manifest(inbox: Inbox, name: str, size_bytes: int) -> list[Row]:
    """Returns the rows of a manifest; one that cannot be read is one row with the reason.

    Raises:
        FileNotFoundError: It was taken away.
        StorageFailed: It cannot be read.
    """
    try:
        _check_size(name, size_bytes, LONGEST_MANIFEST_BYTES)
        return rows_of(inbox.store.address(name), inbox.known)
    except ManifestError as error:
        inbox.store.info(name)  # gone or out of reach is not the same as malformed
        return [_refused(name, str(error), "mend the file and save it again")]


def named_in(inbox: Inbox, rows: list[Row]) -> set[str]:
    """Returns the files of the inbox that rows name, whether they are there or not."""
    base = inbox.store.address("")
    addresses = {address for row in rows if row.job for address in (row.job.video, *row.job.reference_images)}
    return {normpath(address.removeprefix(base)) for address in addresses if address.startswith(base)}


def _row(inbox: Inbox, drop: Drop) -> Row:
    try:
        prompt = _prompt(inbox, drop)
        row = _fields(inbox, drop)
    except ManifestError as error:
        return _refused(drop.name, str(error), "mend the file and save it again")
    if row.job is None or prompt is None:
        return row
    if row.job.prompt:
        return _refused(
            "prompt", f"{drop.prompts[0]} and {drop.fields[0]} both give one", "keep it in one of the two files"
        )
    row.job = row.job.model_copy(update={"prompt": prompt})
    return row


def _prompt(inbox: Inbox, drop: Drop) -> str | None:
    """Returns the prompt of a drop's text file, None when it has no such file."""
    if not drop.prompts:
        return None
    text = _text(inbox, drop, drop.prompts).strip()
    if not text:
        raise ManifestError(f"{drop.prompts[0]} is empty; it should say what to change")
    return text


def _fields(inbox: Inbox, drop: Drop) -> Row:
    """Returns the job of a drop without its text file."""
    given: dict[str, Any] = {}
    if drop.clip is not None:
        given["video"] = inbox.store.address(drop.clip)
    if drop.references:
        given["reference_images"] = [inbox.store.address(name) for name in drop.references]
    if not drop.fields:
        return read_job("{}", ".json", given)
    name = drop.fields[0]
    row = read_job(_text(inbox, drop, drop.fields) or "{}", PurePosixPath(name).suffix, given)
    if row.job is None:
        return row
    base = inbox.store.address(name).rpartition("/")[0]
    video = resolve(row.job.video, base)
    if drop.kind is Kind.CLIP and video != given["video"]:
        return _refused(
            "video", f"{name} goes with {drop.clip} by its name, and names another clip", "leave video out of it"
        )
    images = tuple(resolve(image, base) for image in row.job.reference_images)
    row.job = row.job.model_copy(update={"video": video, "reference_images": images})
    return row


def _text(inbox: Inbox, drop: Drop, names: tuple[str, ...]) -> str:
    """Returns what the one file of these names says.

    Raises:
        ManifestError: There are several, or it is no text.
    """
    if len(names) > 1:
        raise ManifestError(f"{' and '.join(names)} are both there; keep one")
    (name,) = names
    _check_size(name, drop.files_by_name[name].size_bytes, LONGEST_INSTRUCTIONS_BYTES)
    try:
        return inbox.store.read(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{name} is not UTF-8 text (byte {error.start})") from error


def _check_size(name: str, size_bytes: int, most: int) -> None:
    if size_bytes > most:
        raise ManifestError(f"{name} has {size_bytes:,} bytes; instructions of more than {most:,} are not read")


def _with_prompt(row: Row, prompt: str | None) -> Row:
    if prompt and row.job is not None and not row.job.prompt:
        row.job = row.job.model_copy(update={"prompt": prompt})
    return row


def _refused(field: str, message: str, advice: str) -> Row:
    return Row(1, None, problems=[Problem(field=field, message=message, advice=advice)])
