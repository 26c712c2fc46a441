"""Object storages: a PUT appears whole or not at all, and the server itself can refuse a name that is taken."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from blocks.clients.backends.backend import Backend, Labels, content_type


class Objects(Backend):
    """What Google's, Azure's and the S3 storages have in common."""

    exclusive = True

    @property
    def publishes_whole(self) -> bool:
        """Always: an upload has no name before it is complete."""
        return True

    def files(self, folder: str) -> Iterator[Mapping[str, Any]]:
        """Yields what the storage says of each file below a folder: one sweep lists all levels, or raises."""
        yield from self.fs.find(folder, detail=True).values()

    def create(self, path: str, content: bytes) -> None:
        """Creates a file that must not exist yet."""
        self.fs.pipe_file(path, content, mode="create", **self.described(path, {}))

    def put(self, path: str, source: Path, labels: Labels, *, shared: bool = False) -> None:
        """Uploads a file, a large one in parts; a broken upload leaves nothing under the name."""
        self.fs.put_file(str(source), path, **self.described(path, labels))

    def described(self, path: str, labels: Labels) -> dict[str, Any]:
        """Returns content type and labels as the file system takes them."""
        raise NotImplementedError


def as_headers(labels: Labels) -> dict[str, str]:
    """Returns labels as they can travel in HTTP headers: one that cannot must not keep a paid result from its place."""
    return {name: quote(value, safe=" /:=@-_.") for name, value in labels.items()}


class Google(Objects):
    """Google Cloud Storage, through gcsfs."""

    @property
    def manner(self) -> str:
        """How exclusive creation is asked for."""
        return "ifGenerationMatch=0"

    def described(self, path: str, labels: Labels) -> dict[str, Any]:
        """Returns content type and labels as gcsfs takes them."""
        return {"content_type": content_type(path), "metadata": as_headers(labels) or None}


class Azure(Objects):
    """Azure Blob Storage, through adlfs, which keeps the labels of files to itself."""

    @property
    def manner(self) -> str:
        """How exclusive creation is asked for."""
        return "If-None-Match"

    def described(self, path: str, labels: Labels) -> dict[str, Any]:
        """Returns the content type as adlfs takes it."""
        return {"content_settings": {"content_type": content_type(path)}}
