"""Files on any storage, by the promises that money and results depend on.

Three things are stronger here than in fsspec: a record is created once or not at all, a result appears whole or
not at all, and only a true not-found reads as absent.
"""

import copy
import hashlib
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from blocks.clients.backends import Ahead, Disk, Labels, open_backend, said
from flows.rules.addresses import printable

_NO_LABELS: Labels = {}
_DIGEST = re.compile(r'"?[0-9A-Fa-f]{32}(-\d+)?"?')


class StorageFailed(Exception):
    """The storage did not do what was asked; says what and where, never with credentials."""


class NotExclusive(StorageFailed):
    """The storage gives no exclusive creation: two runs could both own one POST."""


class Store:
    """A folder on any storage that fsspec knows.

    Args:
        url: Path or fsspec URL of the folder, such as ``./results``, ``s3://bucket/prefix``, ``memory://x``.
        options: Options of the fsspec file system, such as keys and endpoint; never shown.

    Raises:
        StorageFailed: No such storage is known, or its library is not installed.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        protocol, _, _ = url.rpartition("://")
        self.protocol = protocol.split("+")[0] or "file"
        self.options = dict(options or {})
        location = str(Path(url).expanduser().absolute()) if not protocol else url
        try:
            self._backend, self._root = open_backend(self.protocol, location, self.options)
        except Exception as error:
            raise StorageFailed(f"cannot open {printable(url)}: {said(error)}") from error
        self.url = location.rstrip("/")

    def below(self, folder: str) -> "Store":
        """Returns a folder of this store as a store of its own."""
        below = copy.copy(self)
        below._root = f"{self._root}/{folder}"
        below.url = f"{self.url}/{folder}"
        return below

    def at(self, url: str) -> "Store":
        """Returns another folder of the same service, with the same credentials."""
        return Store(url, self.options)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    @property
    def local_root(self) -> Path | None:
        """The folder as a path when the storage is this machine's disk, else None."""
        return Path(self._root) if isinstance(self._backend, Disk) else None

    @property
    def bucket(self) -> str:
        """The bucket, or what is in its place: the first part of the URL after the scheme."""
        return urlsplit(self.url).netloc

    def address(self, name: str) -> str:
        """Returns the full address of a name: a path on local disk, a URL elsewhere."""
        return f"{self._root}/{name}" if self.local_root else f"{self.url}/{name}"

    def read(self, name: str) -> bytes:
        """Returns the content of a file.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be told, or not be read.
        """
        with self._failures("read", name):
            return self._backend.read(self._path(name))

    def names(self, prefix: str) -> list[str]:
        """Returns the names of all files below a prefix, relative to the store, sorted.

        Raises:
            StorageFailed: The storage cannot be listed; an empty answer would be a lie.
        """
        return sorted(self.listing(prefix))

    def listing(self, prefix: str = "") -> dict[str, Mapping[str, Any]]:
        """Returns what the storage says of all files below a prefix, as `info` does, by name relative to the store.

        Raises:
            StorageFailed: The storage cannot be listed; an empty answer would be a lie.
        """
        root = self._backend.path(self._root)
        try:
            found = list(self._backend.files(f"{root}/{prefix}".rstrip("/")))
        except Exception as error:
            raise StorageFailed(f"cannot list {self.address(prefix)}: {said(error)}") from error
        return {info["name"].removeprefix(root).lstrip("/"): info for info in found}

    def create_once(self, name: str, content: bytes) -> None:
        """Creates a file that must not exist yet, whole and durable.

        Raises:
            FileExistsError: Somebody created it first; theirs stands.
            StorageFailed: It was not created as far as can be told.
        """
        try:
            self._backend.create(self._path(name), content)
        except FileExistsError:
            raise
        except Exception as error:
            raise StorageFailed(f"cannot create {self.address(name)}: {said(error)}") from error

    def ahead(self, name: str, source: Path, labels: Labels = _NO_LABELS) -> Ahead | None:
        """Returns a way to send a local file that is still growing before it is published, None where there is none.

        Args:
            name: The final name; nothing stands under it before the upload is finished.
            source: The file; it need not be there yet.
            labels: What the storage shall say of it, where it keeps such things.
        """
        return self._backend.ahead(self._path(name), source, labels)

    def publish(self, name: str, source: Path, labels: Labels = _NO_LABELS, *, shared: bool = False) -> str:
        """Puts a finished local file under its final name in one step, and returns its address.

        Args:
            name: The final name; its ending decides the content type where the storage keeps one.
            source: The file.
            labels: What the storage shall say of it, where it keeps such things.
            shared: Whether the source is never changed again, so that on the same disk it need not be copied.

        Raises:
            StorageFailed: It was not published; nothing half stands under the name.
        """
        try:
            self._backend.put(self._path(name), source, labels, shared=shared)
        except Exception as error:
            raise StorageFailed(f"cannot write {self.address(name)}: {said(error)}") from error
        return self.address(name)

    def write(self, name: str, content: bytes, labels: Labels = _NO_LABELS) -> str:
        """Puts a small file under its name in one step, replacing an older one, and returns its address.

        Raises:
            StorageFailed: It was not written.
        """
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "content"
            source.write_bytes(content)
            return self.publish(name, source, labels)

    def remove(self, name: str) -> None:
        """Removes a file; one that is gone already is no error.

        Raises:
            StorageFailed: It was not removed as far as can be told.
        """
        try:
            with self._failures("remove", name):
                self._backend.remove(self._path(name))
        except FileNotFoundError:
            return

    def info(self, name: str) -> Mapping[str, Any]:
        """Returns what the storage says of a file: ``size`` in bytes, and ETag or modification time where known.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be told.
        """
        with self._failures("look at", name):
            return self._backend.info(self._path(name))

    def size(self, name: str) -> int | None:
        """Returns the size of a file in bytes, None when there is certainly no such file.

        Raises:
            StorageFailed: It cannot be told.
        """
        try:
            return int(self.info(name)["size"])
        except FileNotFoundError:
            return None

    def identity(self, name: str, info: Mapping[str, Any] | None = None) -> str:
        """Returns what is equal for equal content as far as the storage tells without reading it.

        Args:
            name: The file.
            info: What ``info`` said of it, where it was asked already.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be told.
        """
        info = info or self.info(name)
        version = info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("created") or ""
        # A tag that is a digest of the content tells equal content under any name.
        where = self.protocol if _DIGEST.fullmatch(str(version)) else self.address(name)
        told = f"{where}#{version}#{int(info.get('size') or 0)}"
        return f"store:{hashlib.sha256(told.encode()).hexdigest()}"

    def sha256(self, name: str) -> str:
        """Returns the SHA-256 of a file, reading all of it.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be read.
        """
        digest = hashlib.sha256()
        with self._failures("read", name):
            for piece in self._backend.stream(self._path(name)):
                digest.update(piece)
        return digest.hexdigest()

    def copy_from(self, source: "Store", source_name: str, name: str) -> str:
        """Copies a file of another store under a name of this one, in one step, and returns its address.

        Within one service the server copies; nothing passes through this machine.

        Raises:
            FileNotFoundError: There is certainly no such source.
            StorageFailed: It was not copied.
        """
        if self._backend.publishes_whole and self._backend.same_service(source._backend):
            with self._failures("write", name):
                self._backend.copy(source._path(source_name), self._path(name))
            return self.address(name)
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "copy"
            with source._failures("read", source_name), local.open("wb") as target:
                for piece in source._backend.stream(source._path(source_name)):
                    target.write(piece)
            return self.publish(name, local)

    def open_range(self, name: str) -> BinaryIO:
        """Opens a file for reading any part of it; only the parts that are read are fetched.

        Raises:
            FileNotFoundError: There is certainly no such file.
            StorageFailed: It cannot be opened.
        """
        with self._failures("open", name):
            return self._backend.open(self._path(name))

    def sign(self, name: str, seconds: int) -> str:
        """Returns a URL that reads a file without credentials for so long: a secret.

        Raises:
            StorageFailed: This storage, or this key, can sign nothing.
        """
        try:
            url = self._backend.sign(self._path(name), seconds)
        except Exception as error:
            raise StorageFailed(f"{self.url} cannot sign URLs: {said(error)}") from error
        if urlsplit(url).scheme not in ("http", "https"):
            raise StorageFailed(f"{self.url} cannot sign URLs that a provider could fetch")
        return url

    @property
    def manner(self) -> str:
        """How this storage is asked to create exclusively."""
        return self._backend.manner

    @property
    def publishes_whole(self) -> bool:
        """Whether a file appears under its name only when it is complete."""
        return self._backend.publishes_whole

    def free_bytes(self) -> int | None:
        """Returns how much room there is, None where the storage does not tell."""
        return self._backend.free_bytes(self._root)

    def prove_exclusive(self) -> None:
        """Creates a probe twice: the second must fail, or two processes could both own one POST.

        Where the storage can be asked in several ways, the first that proves real is used from then on.

        Raises:
            NotExclusive: The storage gives no exclusive creation, so recut must not spend through it alone.
            StorageFailed: Nothing can be created at all.
        """
        if not self._backend.exclusive:
            raise NotExclusive(
                f"{self.url}: exclusive creation is not known to be real on {self.protocol} storage; "
                "keep the journal elsewhere (RECUT_JOURNAL)"
            )
        while True:
            failure = self._accepts_twice()
            if failure is None:
                return
            if not self._backend.use_next_manner():
                break
        raise NotExclusive(
            f"{self.url} gives no exclusive creation ({failure}), so two runs could both pay; "
            "keep the journal on another storage (RECUT_JOURNAL)"
        )

    def _accepts_twice(self) -> str | None:
        """Returns what is wrong with creating exclusively in the present manner, None when it is real."""
        probe = f".probe-{uuid.uuid4().hex}"
        try:
            self.create_once(probe, b"recut")
            self.create_once(probe, b"recut")
        except FileExistsError:
            return None
        except StorageFailed as error:
            return str(error)
        finally:
            with suppress(StorageFailed):  # what went wrong before says more
                self.remove(probe)
        return f"the same new file is accepted twice in spite of {self.manner}"

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _failures(self, doing: str, name: str) -> Iterator[None]:
        """Lets true absence through, and says of everything else what was being done to which file."""
        try:
            yield
        except (FileNotFoundError, StorageFailed):
            raise
        except Exception as error:
            raise StorageFailed(f"cannot {doing} {self.address(name)}: {said(error)}") from error


def open_anywhere(address: str, known: Sequence[Store] = ()) -> tuple[Store, str]:
    """Returns the store of a single file's address and the file's name in it.

    Args:
        address: Path or URL of the file.
        known: Stores whose credentials also serve other addresses: those in a store's own bucket, and, where all
            stores of the scheme are of one service, any on it. What else there is, the environment serves.

    Raises:
        StorageFailed: No such storage is known.
    """
    scheme = urlsplit(address).scheme if "://" in address else "file"
    if scheme == "file":
        path = Path(address.removeprefix("file://")).expanduser().absolute()
        return Store(str(path.parent)), path.name
    folder, _, name = address.rpartition("/")
    alike = [store for store in known if store.protocol == scheme]
    own = [store for store in alike if store.bucket == urlsplit(address).netloc]
    if own:
        return own[0].at(folder), name
    of_one_service = alike and all(store._backend.same_service(alike[0]._backend) for store in alike)
    return (alike[0].at(folder) if of_one_service else Store(folder)), name
