"""Finds the backend for a URL."""

from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from blocks.clients.backends.backend import Backend, Memory
from blocks.clients.backends.disk import Disk
from blocks.clients.backends.objects import Azure, Google
from blocks.clients.backends.s3 import S3, s3_options

_KINDS: dict[str, type[Backend]] = {
    "memory": Memory,
    "s3": S3,
    "s3a": S3,
    "gs": Google,
    "gcs": Google,
    "az": Azure,
    "abfs": Azure,
    "abfss": Azure,
}
#: What installs the package that a scheme needs.
_EXTRAS = {Google: "gcs", Azure: "azure"}


def open_backend(protocol: str, url: str, options: Mapping[str, Any]) -> tuple[Backend, str]:
    """Returns the backend of a URL and the path of the URL on it.

    Args:
        protocol: Scheme of the URL, ``file`` for a path.
        url: Path or URL of a folder.
        options: Options of the fsspec file system.

    Raises:
        ValueError: No library knows the scheme, or the options are wrong.
        ImportError: The library is not installed.
    """
    kind = _KINDS.get(protocol, Backend)
    settings = dict(options)
    if protocol == "file":
        settings.setdefault("auto_mkdir", True)
    else:
        # A remembered listing would hide what another process has just written.
        settings.setdefault("use_listings_cache", False)
    if kind is S3:
        settings = s3_options(settings)
    try:
        fs, root = fsspec.core.url_to_fs(url, **settings)
    except ImportError as error:
        if kind in _EXTRAS:
            raise ImportError(f"this storage needs one more package: pip install 'recut[{_EXTRAS[kind]}]'") from error
        raise
    if isinstance(fs, LocalFileSystem):
        kind = Disk
    return kind(fs), root.rstrip("/")
