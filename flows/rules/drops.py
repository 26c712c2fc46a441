"""What lies in an inbox: which files belong together as one drop, and which are none. Decided by names alone.

A clip goes with its instructions by its stem: ``coat.mp4`` with ``coat.txt`` or ``coat.md`` (its prompt),
``coat.yaml`` or ``coat.json`` (any fields of a job) and ``coat.ref*.png`` (reference images). A folder with a
``job.yaml`` is one drop with all that lies in it. A JSONL or CSV file, or a YAML or JSON file that goes with no clip,
is a manifest; the clips it names are not also drops of their own.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

CLIPS = frozenset(
    {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".mts", ".m2ts"}
)
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
PROMPTS = (".txt", ".md")
FIELDS = (".yaml", ".yml", ".json")
LISTS = (".jsonl", ".ndjson", ".csv")
#: What recut writes beside a drop that it could not edit.
NOTE = ".error.md"
#: What programs add to the name of a file that is still arriving.
ARRIVING = (
    *(".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".opdownload"),
    *(".!qb", ".!ut", ".aria2", ".swp"),
)
_REFERENCE = re.compile(r"(?P<stem>.+)\.ref(?P<which>[^.]*)", re.IGNORECASE)
_JOB = re.compile(r"job\.(yaml|yml|json)", re.IGNORECASE)


class Kind(StrEnum):
    """How a drop says what is wanted."""

    CLIP = "clip"
    FOLDER = "folder"
    MANIFEST = "manifest"


@dataclass(frozen=True)
class File:
    """One file of a listing.

    Attributes:
        name: Its name, relative to the inbox.
        size_bytes: Its size.
        version: What changes with its content, as far as the storage tells: an ETag, or times.
        changed_at: When it last changed, seconds since the epoch by the storage's clock; None where it does not say.
    """

    name: str
    size_bytes: int
    version: str
    changed_at: float | None = None


@dataclass(frozen=True)
class Drop:
    """Files that belong together and ask for one edit, or for those of a manifest.

    Attributes:
        kind: How it says what is wanted.
        name: The file it is known by: the clip, the folder's ``job.yaml`` or the manifest.
        files: All its files, by name.
        clip: Name of the clip; None where the instructions have to name it.
        prompts: Names of the files that hold a prompt.
        fields: Names of the files that hold fields of a job.
        references: Names of the reference images, in the order the prompt counts them.
        arriving: Whether a file beside it says that one of its own is not complete.
    """

    kind: Kind
    name: str
    files: tuple[File, ...]
    clip: str | None = None
    prompts: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    arriving: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether it is a clip that comes without any instructions."""
        return self.kind is Kind.CLIP and not self.prompts and not self.fields

    @property
    def files_by_name(self) -> dict[str, File]:
        """Its files, by name."""
        return {file.name: file for file in self.files}

    @property
    def note(self) -> str:
        """Name of the file that says why it was not edited."""
        return f"{self.name}{NOTE}"

    def identity(self, inbox: str) -> str:
        """Returns what is equal as long as none of its files has changed: 32 hex digits.

        Args:
            inbox: Address of the inbox.
        """
        said = [inbox, self.kind, *(f"{file.name}#{file.version}#{file.size_bytes}" for file in self.files)]
        return hashlib.sha256("\n".join(said).encode(errors="surrogateescape")).hexdigest()[:32]


def identities_alone(drop: Drop, inbox: str) -> list[str]:
    """Returns the identities that the clips of a drop have when their instructions are taken away: no new drops.

    Args:
        drop: The drop.
        inbox: Address of the inbox.
    """
    clips = [file for file in drop.files if _ending(file.name) in CLIPS]
    return [Drop(Kind.CLIP, clip.name, (clip,), clip=clip.name).identity(inbox) for clip in clips]


def is_passed_over(name: str) -> bool:
    """Whether a file is none of the drops': hidden, still arriving, another program's working file, or our note.

    So is one whose name is no text in any encoding: no record could tell of it.
    """
    parts = [part.lower() for part in name.split("/")]
    return (
        not parts[-1]
        or any("\ud800" <= char <= "\udfff" for char in name)
        or parts[-1].endswith(("~", NOTE))
        or any(part.startswith((".", "~$")) or part.endswith(ARRIVING) for part in parts)
    )


def manifests_among(files: Iterable[File]) -> list[File]:
    """Returns the files that are manifests: read, they name the clips that are not drops of their own."""
    return _Listing(files).manifests()


def drops_of(files: Iterable[File], named: Mapping[str, Collection[str]]) -> list[Drop]:
    """Returns the drops of a listing, by name; in whatever order the files were listed.

    Args:
        files: What was listed.
        named: For each manifest, the files of the inbox that its rows name.
    """
    listing = _Listing(files)
    drops = listing.folder_drops()
    manifests = [listing.manifest_drop(file.name, named.get(file.name, ())) for file in listing.manifests()]
    taken = {file.name for drop in manifests for file in drop.files}
    return sorted([*drops, *manifests, *listing.clip_drops(taken)], key=lambda drop: drop.name)


class _Listing:
    """The files of a listing that are anybody's, with the job folders told from the rest."""

    def __init__(self, files: Iterable[File]) -> None:
        files = list(files)
        self._files = {file.name: file for file in files if not is_passed_over(file.name)}
        self._arriving = set(_arriving(file.name for file in files))
        jobs = sorted((name for name in self._files if "/" in name and _JOB.fullmatch(_base(name))), key=_depth)
        self._folders: dict[str, list[str]] = {}
        for job in jobs:
            if not any(job.startswith(f"{folder}/") for folder in self._folders):
                self._folders[_parent(job)] = []
        self._loose: list[str] = []
        for name in sorted(self._files):
            folder = next((folder for folder in self._folders if name.startswith(f"{folder}/")), None)
            (self._loose if folder is None else self._folders[folder]).append(name)

    def manifests(self) -> list[File]:
        clips = {stem for name in self._loose if _ending(name) in CLIPS for stem in _stems_of_clip(name)}
        return [
            self._files[name]
            for name in self._loose
            if _ending(name) in LISTS or (_ending(name) in FIELDS and _stem(name) not in clips)
        ]

    def manifest_drop(self, manifest: str, named: Collection[str]) -> Drop:
        return self._drop(Kind.MANIFEST, manifest, [name for name in named if name in self._files])

    def folder_drops(self) -> list[Drop]:
        drops = []
        for folder, names in self._folders.items():
            jobs = [name for name in names if _parent(name) == folder and _JOB.fullmatch(_base(name))]
            clips = [name for name in names if _ending(name) in CLIPS]
            references = [name for name in names if _ending(name) in PICTURES and _base(name).lower().startswith("ref")]
            drops.append(
                self._drop(
                    Kind.FOLDER,
                    jobs[0],
                    names,
                    clip=clips[0] if len(clips) == 1 else None,
                    fields=tuple(jobs),
                    references=tuple(sorted(references, key=_counted)),
                )
            )
        return drops

    def clip_drops(self, taken: Collection[str]) -> list[Drop]:
        """Returns the clips with what goes with them, but for those that a manifest names."""
        beside: dict[str, list[str]] = defaultdict(list)
        for name in self._loose:
            if name not in taken and _ending(name) not in CLIPS:
                beside[_stem(name)].append(name)
        drops = []
        for clip in self._loose:
            if _ending(clip) not in CLIPS or clip in taken:
                continue
            names = [name for stem in _stems_of_clip(clip) for name in beside.get(stem, ())]
            prompts = tuple(name for name in names if _ending(name) in PROMPTS)
            fields = tuple(name for name in names if _ending(name) in FIELDS)
            references = sorted((name for name in names if _is_reference(name)), key=_counted)
            drops.append(
                self._drop(
                    Kind.CLIP,
                    clip,
                    [*prompts, *fields, *references],
                    clip=clip,
                    prompts=prompts,
                    fields=fields,
                    references=tuple(references),
                )
            )
        return drops

    def _drop(self, kind: Kind, name: str, others: Iterable[str], **parts: Any) -> Drop:
        names = sorted({name, *others})
        arriving = any(part in self._arriving for part in names)
        return Drop(kind, name, tuple(self._files[part] for part in names), arriving=arriving, **parts)


def _arriving(names: Iterable[str]) -> Iterator[str]:
    """Yields the names of files that have a working file of a download or upload beside them."""
    for name in names:
        for ending in ARRIVING:
            if name.lower().endswith(ending):
                yield name[: -len(ending)]


def _stems_of_clip(clip: str) -> tuple[str, str]:
    """Returns what instructions for a clip may be called: by its stem, or by its whole name."""
    return _stem(clip), unicodedata.normalize("NFC", clip)


def _stem(name: str) -> str:
    """Returns folder and stem, one spelling for all that look the same; of a reference image its clip's stem."""
    stem = PurePosixPath(name).stem
    if _ending(name) in PICTURES and (found := _REFERENCE.fullmatch(stem)):
        stem = found["stem"]
    return unicodedata.normalize("NFC", f"{_parent(name)}/{stem}".removeprefix("/"))


def _is_reference(name: str) -> bool:
    return _ending(name) in PICTURES and _REFERENCE.fullmatch(PurePosixPath(name).stem) is not None


def _counted(name: str) -> tuple[tuple[int, int | str], ...]:
    """Orders names as people count them: ref2 before ref10."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(part)) if part.isdecimal() else (0, part) for part in parts)


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name
