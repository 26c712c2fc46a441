"""Files the provider keeps: uploads for 48 hours, results until their addresses expire."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import fastcrc

from deployments.emulator.clock import BEIJING

UPLOAD_BUCKET = "dashscope-file-mgr"
OTHER_RESULT_BUCKET = "dashscope-result"
RESULT_BUCKETS = {"ap-southeast-1": "dashscope-result-sgp", "cn-beijing": "dashscope-result-bj"}


@dataclass(frozen=True)
class Upload:
    """A file in the temporary store: whose it is, for which model, and until when (epoch seconds)."""

    path: Path
    account: str
    model: str
    expires: float


@dataclass(frozen=True)
class Grant:
    """Who asked for an upload folder, and for which model."""

    account: str
    model: str


@dataclass(frozen=True)
class StoredResult:
    """A finished result. Instants are epoch seconds; `crc` is OSS's CRC-64 of the bytes."""

    path: Path
    provider_task_id: str
    written: float
    expires: float
    crc: int
    etag: str


class Store:
    """Keeps uploads and results on disk and their facts in memory.

    Args:
        folder: Where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._uploads_folder = folder / "uploads"
        self._results_folder = folder / "results"
        for each in (self._uploads_folder, self._results_folder):
            each.mkdir(parents=True, exist_ok=True)
        self.grants: dict[str, Grant] = {}
        self.uploads: dict[str, Upload] = {}
        self.results: dict[str, StoredResult] = {}

    def clear(self) -> None:
        """Forget and delete everything."""
        for path in [*(kept.path for kept in self.uploads.values()), *(kept.path for kept in self.results.values())]:
            path.unlink(missing_ok=True)
        self.grants.clear()
        self.uploads.clear()
        self.results.clear()

    def grant(self, account: str, model: str, request_id: str, now: float) -> str:
        """Open a fresh upload folder; its name ends with the request id, as recorded."""
        owner = hashlib.md5(account.encode(), usedforsecurity=False).hexdigest()
        day = datetime.fromtimestamp(now, BEIJING).strftime("%Y-%m-%d")
        folder = f"dashscope-instant/{owner}/{day}/{request_id}"
        self.grants[folder] = Grant(account, model)
        return folder

    def new_upload_path(self) -> Path:
        """A place on disk for one upload."""
        return self._uploads_folder / secrets.token_hex(12)

    def upload(self, key: str, account: str, model: str, now: float) -> Upload | None:
        """The upload that an oss:// address names, if this account may use it for this model now."""
        kept = self.uploads.get(key)
        if kept is None or kept.account != account or kept.model != model or kept.expires <= now:
            return None
        return kept

    def keep_result(
        self, video: bytes, provider_task_id: str, region: str, watermark: bool, now: float, expires: float
    ) -> str:
        """Write a result; gives its path, `bucket/key`, in the manner of the recorded ones."""
        bucket = RESULT_BUCKETS.get(region, OTHER_RESULT_BUCKET)
        token = hashlib.sha256(provider_task_id.encode()).hexdigest()
        day = datetime.fromtimestamp(now, BEIJING).strftime("%Y%m%d")
        name = f"{token[:16]}{'_watermark' if watermark else ''}.mp4"
        key = f"{bucket}/1d/{token[:2]}/{day}/{token[2:10]}/{name}"
        path = self._results_folder / name
        path.write_bytes(video)
        etag = hashlib.md5(video, usedforsecurity=False).hexdigest().upper()
        crc = fastcrc.crc64.xz(video)
        self.results[key] = StoredResult(path, provider_task_id, now, expires, crc, f'"{etag}"')
        return key

    def purge(self, now: float) -> None:
        """Delete the files whose time has run out; their facts stay, so that asking says "expired"."""
        everything: list[Upload | StoredResult] = [*self.uploads.values(), *self.results.values()]
        for kept in everything:
            if kept.expires <= now:
                kept.path.unlink(missing_ok=True)
