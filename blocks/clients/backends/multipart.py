"""Uploads to S3 in parts, also of a file that is still growing: nothing has the name before all of it is there.

Parts that nobody completes stay invisible in the bucket, and are paid for: whoever gives up aborts the upload. After
a process that was killed only the bucket's own lifecycle rule does (AbortIncompleteMultipartUpload).
Source: docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

from fsspec import AbstractFileSystem

#: An upload keeps this much of a file in memory: parts of this size, so many at once.
PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
#: What is smaller goes up in one request.
LEAST_BYTES = 2 * PART_BYTES


class Multipart:
    """One upload in parts; used by one thread at a time, except for `stop`.

    Args:
        fs: The s3fs file system.
        path: Bucket and key.
        source: The local file.
        described: Content type and labels, as S3 names them.
    """

    def __init__(self, fs: AbstractFileSystem, path: str, source: Path, described: Mapping[str, Any]) -> None:
        bucket, key, _ = fs.split_path(path)
        self._fs = fs
        self._place = {"Bucket": bucket, "Key": key}
        self._source = source
        self._described = described
        self._upload: str | None = None
        self._tags: list[str] = []
        self._stopped = Event()

    @property
    def begun(self) -> bool:
        """Whether anything of it was sent."""
        return self._upload is not None

    def follow(self, size: int) -> None:
        """Sends the parts that are complete once so many bytes of the file are there; none of a small file.

        Raises:
            Exception: They could not be sent; the upload is of no use any more.
        """
        if size >= LEAST_BYTES:
            self._send(size // PART_BYTES)

    def finish(self) -> None:
        """Sends what is missing, and gives the file its name.

        Raises:
            Exception: As far as can be told it does not stand under its name.
        """
        self._send(-(-self._source.stat().st_size // PART_BYTES))
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(self._tags, 1)]
        self._call("complete_multipart_upload", MultipartUpload={"Parts": parts})
        self._upload = None

    def stop(self) -> None:
        """Makes a thread that is sending parts end soon, with an error."""
        self._stopped.set()

    def abort(self) -> None:
        """Gives the upload up, and what was sent with it. Afterwards it can do nothing."""
        self.stop()
        if self._upload is not None:
            # Failing here leaves parts nobody sees; what made the caller give up says more.
            with suppress(Exception):
                self._call("abort_multipart_upload")
            self._upload = None

    def _send(self, count: int) -> None:
        """Sends parts up to the one of this number."""
        if self._stopped.is_set():
            raise InterruptedError("the upload was given up")
        if self._upload is None:
            begun = self._fs.call_s3("create_multipart_upload", **self._place, **self._described)
            self._upload = begun["UploadId"]
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            try:
                self._tags += pool.map(self._send_part, range(len(self._tags) + 1, count + 1))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _send_part(self, number: int) -> str:
        if self._stopped.is_set():
            raise InterruptedError("the upload was given up")
        with self._source.open("rb") as file:
            file.seek((number - 1) * PART_BYTES)
            part = file.read(PART_BYTES)
        return str(self._call("upload_part", PartNumber=number, Body=part)["ETag"])

    def _call(self, method: str, **said: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._fs.call_s3(method, **self._place, UploadId=self._upload, **said)
        return answer
