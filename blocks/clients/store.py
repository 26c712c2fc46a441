"""Files on any storage, through fsspec, and the only module that knows which library opens them.

Three things are stronger here than in fsspec: a record is created once or not at all, a result appears whole or
not at all, and only a true not-found reads as absent.
"""

import copy
import hashlib
import io
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from flows.rules.addresses import printable

#: Storages whose exclusive create is known to be real; others are probed before money depends on them.
EXCLUSIVE = frozenset({"file", "memory", "s3", "gs", "gcs"})
#: fsspec's memory looks and writes in two steps.
_MEMORY = threading.Lock()


class StorageFailed(Exception):
    """The storage did not do what was asked; says what and where, never with credentials."""


class Store:
    """A folder on any storage that fsspec knows.

    Args:
        url: Path or fsspec URL of the folder, such as ``./results``, ``s3://bucket/prefix``, ``memory://x``.
        options: Options of the fsspec file system, such as keys and endpoint; never shown.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        protocol, _, _ = url.rpartition("://")
        self.protocol = protocol.split("+")[0] or "file"
        settings = dict(options or {})
        if self.protocol == "file":
            settings.setdefault("auto_mkdir", True)
        else:
            # A remembered listing would hide what another process has just written.
            settings.setdefault("use_listings_cache", False)
        location = str(Path(url).expanduser().absolute()) if not protocol else url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(location, **settings)
        except Exception as error:
            raise StorageFailed(f"cannot open {printable(url)}: {_said(error)}") from error
        self._root = self._root.rstrip("/")
        self.url = location.rstrip("/")

    def below(self, folder: str) -> "Store":
        """Returns a folder of this store as a store of its own."""
        below = copy.copy(self)
        below._root = f"{self._root}/{folder}"
        below.url = f"{self.url}/{folder}"
        return below

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    @property
    def local_root(self) -> Path | None:
        """The folder as a path when the storage is this machine's disk, else None."""
        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def address(self, name: str) -> str:
        """Returns the full address of a name: a path on local disk, a URL elsewhere."""
        return f"{self._root}/{name}" if self.local_root else f"{self.url}/{name}"

    def read(self, name: str) -> bytes:
        """Returns the content of a file.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be told, or not be read.
        """
        try:
            return cast(bytes, self._fs.cat_file(f"{self._root}/{name}"))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise StorageFailed(f"cannot read {self.address(name)}: {_said(error)}") from error

    def names(self, prefix: str) -> list[str]:
        """Returns the names of all files below a prefix, relative to the store, sorted.

        Raises:
            StorageFailed: The storage cannot be listed; an empty answer would be a lie.
        """
        root = self._fs._strip_protocol(self._root)
        try:
            found = list(self._files(f"{root}/{prefix}".rstrip("/")))
        except Exception as error:
            raise StorageFailed(f"cannot list {self.address(prefix)}: {_said(error)}") from error
        return sorted(name.removeprefix(root).lstrip("/") for name in found)

    def _files(self, folder: str) -> Iterator[str]:
        """Lists like fsspec's find; but that one's walk silently leaves out every folder it cannot list."""
        try:
            if self._fs.async_impl:  # object storages list all levels in one sweep, and raise when they cannot
                yield from self._fs.find(folder)
                return
            rows = self._fs.ls(folder, detail=True)
        except FileNotFoundError:
            return
        for row in rows:
            if row["type"] == "directory" and row["name"].rstrip("/") != folder:
                yield from self._files(row["name"].rstrip("/"))
            else:
                yield row["name"]

    def create_once(self, name: str, content: bytes) -> None:
        """Creates a file that must not exist yet, whole and durable.

        Raises:
            FileExistsError: Somebody created it first; theirs stands.
            StorageFailed: It was not created as far as can be told.
        """
        path = f"{self._root}/{name}"
        try:
            if self.local_root:
                _link_once(Path(path), content)
            elif self.protocol == "memory":
                with _MEMORY:
                    self._fs.pipe_file(path, content, mode="create")
            else:
                self._fs.pipe_file(path, content, mode="create")
        except FileExistsError:
            raise
        except Exception as error:
            raise StorageFailed(f"cannot create {self.address(name)}: {_said(error)}") from error

    def publish(self, name: str, source: Path) -> str:
        """Puts a finished local file under its final name in one step, and returns its address.

        Raises:
            StorageFailed: It was not published; nothing half stands under the name.
        """
        path = f"{self._root}/{name}"
        try:
            if self.local_root:
                with _sibling(Path(path)) as temporary:
                    shutil.copyfile(source, temporary)
                    _to_disk(temporary)
                    os.replace(temporary, path)
                _to_disk(Path(path).parent)
            elif self.protocol == "memory":
                self._fs.pipe_file(path, source.read_bytes())
            else:
                self._fs.put_file(str(source), path)
        except Exception as error:
            raise StorageFailed(f"cannot write {self.address(name)}: {_said(error)}") from error
        return self.address(name)

    def write(self, name: str, content: bytes) -> str:
        """Puts a small file under its name in one step, replacing an older one, and returns its address.

        Raises:
            StorageFailed: It was not written.
        """
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "content"
            source.write_bytes(content)
            return self.publish(name, source)

    def remove(self, name: str) -> None:
        """Removes a file; one that is gone already is no error.

        Raises:
            StorageFailed: It was not removed as far as can be told.
        """
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return
        except Exception as error:
            raise StorageFailed(f"cannot remove {self.address(name)}: {_said(error)}") from error

    def info(self, name: str) -> Mapping[str, Any]:
        """Returns what the storage says of a file: ``size`` in bytes, and ETag or modification time where known.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be told.
        """
        try:
            return cast(Mapping[str, Any], self._fs.info(f"{self._root}/{name}"))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise StorageFailed(f"cannot look at {self.address(name)}: {_said(error)}") from error

    def sha256(self, name: str) -> str:
        """Returns the SHA-256 of a file, reading all of it.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be read.
        """
        try:
            digest = hashlib.sha256()
            with self.open(name) as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
            return digest.hexdigest()
        except (FileNotFoundError, StorageFailed):
            raise
        except Exception as error:
            raise StorageFailed(f"cannot read {self.address(name)}: {_said(error)}") from error

    def copy_from(self, source: "Store", source_name: str, name: str) -> str:
        """Copies a file of another store under a name of this one, in one step, and returns its address.

        Raises:
            FileNotFoundError: There is certainly no such source.
            StorageFailed: It was not copied.
        """
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "copy"
            try:
                with source.open(source_name) as stream, local.open("wb") as target:
                    shutil.copyfileobj(stream, target, 1 << 20)
            except (FileNotFoundError, StorageFailed):
                raise
            except Exception as error:
                raise StorageFailed(f"cannot read {source.address(source_name)}: {_said(error)}") from error
            return self.publish(name, local)

    def open(self, name: str) -> BinaryIO:
        """Opens a file for reading in pieces.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be opened.
        """
        try:
            if self.protocol == "memory":  # where all readers of a file would share one position
                return io.BytesIO(self._fs.cat_file(f"{self._root}/{name}"))
            return cast(BinaryIO, self._fs.open(f"{self._root}/{name}", "rb", block_size=256 * 1024))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise StorageFailed(f"cannot open {self.address(name)}: {_said(error)}") from error

    def prove_exclusive(self) -> None:
        """Creates a probe twice: the second must fail, or two processes could both own one POST.

        Raises:
            StorageFailed: The storage gives no exclusive create, so recut must not spend through it.
        """
        if self.protocol not in EXCLUSIVE:
            raise StorageFailed(
                f"{self.url}: exclusive creation is not known to be real on {self.protocol} storage; "
                "keep the journal elsewhere (RECUT_JOURNAL)"
            )
        probe = f".probe-{uuid.uuid4().hex}"
        self.create_once(probe, b"recut")
        try:
            self.create_once(probe, b"recut")
        except FileExistsError:
            return
        finally:
            self.remove(probe)
        raise StorageFailed(
            f"{self.url} accepts the same new file twice, so two runs could both pay; "
            "keep the journal on another storage (RECUT_JOURNAL)"
        )


def open_anywhere(address: str) -> tuple[Store, str]:
    """Returns the store of a single file's address and the file's name in it."""
    if "://" in address and urlsplit(address).scheme != "file":
        folder, _, name = address.rpartition("/")
        return Store(folder), name
    path = Path(address.removeprefix("file://")).expanduser().absolute()
    return Store(str(path.parent)), path.name


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _sibling:  # noqa: N801 - used as a context manager, like a function
    """A temporary name beside a final one, on the same disk, gone afterwards."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            # Or it would read as if the file itself had been created by somebody else.
            raise NotADirectoryError(error.errno, "a file stands in the way", str(path.parent)) from error
        # Not with the final name in it: that one may be as long as the disk takes.
        self._temporary = path.with_name(f".{uuid.uuid4().hex}.part")

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(self, *_: object) -> None:
        self._temporary.unlink(missing_ok=True)


def _link_once(path: Path, content: bytes) -> None:
    """Creates a file whole: linking a finished one is atomic, and fails when the name is taken."""
    with _sibling(path) as temporary:
        temporary.write_bytes(content)
        _to_disk(temporary)
        os.link(temporary, path)
        _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
