"""S3 and its relatives: AWS, MinIO, Alibaba OSS through its S3 address, and clones that only look like them.

Sources: docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html; help.aliyun.com/zh/oss: S3
compatibility (virtual addressing, no conditional PUT) and x-oss-forbid-overwrite.
"""

import os
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from fsspec import AbstractFileSystem
from fsspec.config import conf

from blocks.clients.backends.backend import Backend, Labels, content_type
from blocks.clients.backends.multipart import LEAST_BYTES, Multipart
from blocks.clients.backends.objects import Objects, as_headers

#: s3fs repeats what botocore has given up repeating; its own five times five tries take minutes.
OUTER_TRIES, INNER_TRIES = 2, 3
#: Signatures of version 4 last no longer.
LONGEST_SIGNATURE_SECONDS = 7 * 24 * 3600

IF_NONE_MATCH = "If-None-Match"
FORBID_OVERWRITE = "x-oss-forbid-overwrite"
_TAKEN = {"PreconditionFailed", "412", "FileAlreadyExists"}
#: Two creates met at the server, and neither has won yet.
_CONFLICT = {"ConditionalRequestConflict", "409"}
_CONFLICT_TRIES = 6
_OSS = ".aliyuncs.com"
#: Says which call created a file, for the call whose answer was lost.
_CREATED_BY = "recut-created-by"


class S3(Objects):
    """One S3 service with one set of credentials."""

    def __init__(self, fs: AbstractFileSystem) -> None:
        super().__init__(fs)
        fs.retries = OUTER_TRIES
        oss = (urlsplit(fs.endpoint_url or "").hostname or "").endswith(_OSS)
        self._manners = [FORBID_OVERWRITE, IF_NONE_MATCH] if oss else [IF_NONE_MATCH, FORBID_OVERWRITE]

    @property
    def manner(self) -> str:
        """How exclusive creation is asked for."""
        return self._manners[0]

    def use_next_manner(self) -> bool:
        """Changes from the standard header to OSS's own, or back, once."""
        if len(self._manners) == 1:
            return False
        self._manners.pop(0)
        return True

    def read(self, path: str) -> bytes:
        """Returns the content of a small file, in one request."""
        with _only_true_absence():
            return cast(bytes, self.fs.cat_file(path, max_concurrency=1))

    def info(self, path: str) -> Mapping[str, Any]:
        """Returns what the storage says of a file."""
        with _only_true_absence():
            return super().info(path)

    def files(self, folder: str) -> Iterator[Mapping[str, Any]]:
        """Yields what the storage says of each file below a folder, in one sweep."""
        bucket, _, key = folder.partition("/")
        with _only_true_absence():
            yield from self.fs.find(bucket, prefix=f"{key}/" if key else "", detail=True).values()

    def open(self, path: str) -> BinaryIO:
        """Opens a file for scattered reads."""
        with _only_true_absence():
            return super().open(path)

    def stream(self, path: str) -> Iterator[bytes]:
        """Yields a file from beginning to end."""
        with _only_true_absence():
            yield from super().stream(path)

    def create(self, path: str, content: bytes) -> None:
        """Creates a file that must not exist yet.

        The library repeats a request whose answer was lost, and then meets its own file: the file says whose it is.
        """
        me = uuid.uuid4().hex
        described = self.described(path, {_CREATED_BY: me})
        for again in range(_CONFLICT_TRIES):
            try:
                self._create(path, content, described)
            except Exception as error:
                if self._created_by(path) == me:
                    return
                if isinstance(error, FileExistsError) or _code(error) in _TAKEN:
                    raise FileExistsError(path) from error
                if _code(error) not in _CONFLICT or again == _CONFLICT_TRIES - 1:
                    raise
                time.sleep(0.05 * 2**again * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            else:
                return

    def _create(self, path: str, content: bytes, described: dict[str, Any]) -> None:
        if self.manner == FORBID_OVERWRITE:
            self.fs.connect()
            self.fs.s3.meta.events.register("before-call.s3.PutObject", _forbid_overwrite, unique_id=FORBID_OVERWRITE)
            described = {**described, "IfNoneMatch": FORBID_OVERWRITE}
        else:
            described = {**described, "IfNoneMatch": "*"}
        self.fs.pipe_file(path, content, **described)

    def _created_by(self, path: str) -> str | None:
        try:
            return cast(str | None, self.fs.metadata(path).get(_CREATED_BY))
        except FileNotFoundError:
            return None

    def put(self, path: str, source: Path, labels: Labels, *, shared: bool = False) -> None:
        """Uploads a file, a large one in parts; a broken upload leaves nothing under the name."""
        if source.stat().st_size < LEAST_BYTES:
            super().put(path, source, labels)
            return
        upload = self.ahead(path, source, labels)
        try:
            upload.finish()
        except BaseException:
            upload.abort()
            raise

    def ahead(self, path: str, source: Path, labels: Labels) -> Multipart:
        """Returns an upload in parts, which are sent while the file still grows."""
        return Multipart(self.fs, path, source, self.described(path, labels))

    def sign(self, path: str, seconds: int) -> str:
        """Returns a URL that reads a file without credentials for so long."""
        if self.fs.anon:
            raise NotImplementedError("without a key nothing can be signed")
        return super().sign(path, min(seconds, LONGEST_SIGNATURE_SECONDS))

    def same_service(self, other: Backend) -> bool:
        """Whether another backend is the same server with the same key."""
        return isinstance(other, S3) and _service(self.fs) == _service(other.fs)

    def described(self, path: str, labels: Labels) -> dict[str, Any]:
        """Returns content type and labels as s3fs takes them."""
        return {"ContentType": content_type(path), "Metadata": as_headers(labels)}


def s3_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns options under which s3fs also gets on with the relatives of S3."""
    found = dict(options)
    endpoint = (
        found.get("endpoint_url")
        or found.get("client_kwargs", {}).get("endpoint_url")
        or conf.get("s3", {}).get("endpoint_url")
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
    )
    config: dict[str, Any] = {
        "signature_version": "s3v4",
        "connect_timeout": 10,
        "read_timeout": 60,
        "retries": {"mode": "standard", "total_max_attempts": INNER_TRIES},
    }
    if endpoint:
        found["endpoint_url"] = endpoint
        # Only AWS itself takes checksums that trail a body.
        config |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
        if (urlsplit(endpoint).hostname or "").endswith(_OSS):
            config["s3"] = {"addressing_style": "virtual"}
    found["config_kwargs"] = {**config, **found.get("config_kwargs", {})}
    return found


def _forbid_overwrite(params: dict[str, Any], **_: Any) -> None:
    """Says "only if there is none" in OSS's words, in the calls that were marked to say it."""
    if params["headers"].get("If-None-Match") == FORBID_OVERWRITE:
        del params["headers"]["If-None-Match"]
        params["headers"][FORBID_OVERWRITE] = "true"


@contextmanager
def _only_true_absence() -> Iterator[None]:
    """A bucket that is not there is a mistake in the settings, not a file that was never written."""
    try:
        yield
    except FileNotFoundError as error:
        if _code(error) == "NoSuchBucket":
            raise OSError("there is no such bucket") from error
        raise


def _code(error: BaseException) -> str | None:
    """Returns the server's own code for an error, from the library's error or the one that it stands for."""
    for known in (error, error.__cause__, error.__context__):
        response = getattr(known, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code"))
    return None


def _service(fs: AbstractFileSystem) -> tuple[Any, ...]:
    return fs.endpoint_url, fs.key, fs.anon, fs.storage_options.get("profile")
