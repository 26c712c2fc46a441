"""Fetching media as the provider does: by http(s), out of its own temporary store, or from a data URI."""

import base64
import binascii
from pathlib import Path
from urllib.parse import unquote_to_bytes

import httpx

from deployments.emulator.errors import (
    MEDIA_FORBIDDEN,
    MEDIA_TIMEOUT,
    OSS_UNRESOLVED,
    URL_ERROR,
    RefusedError,
    download_failed,
)
from deployments.emulator.store import Store

_TIMEOUT = httpx.Timeout(30)


def fetch(url: str, what: str, most: int, store: Store, account: str, model: str, now: float) -> bytes:
    """Get a medium's bytes. Blocking.

    Args:
        url: Its address as the request gave it.
        what: `video` or `image`, for the error's words.
        most: Greatest size in bytes; one byte more is read, so that the caller can tell.
        store: The temporary store that oss:// addresses point into.
        account: Alias of the account that asks; an upload is bound to it.
        model: The model called; an upload is bound to it.
        now: Provider time in epoch seconds; uploads expire.

    Raises:
        RefusedError: It could not be had, with the provider's words for why.
    """
    if url.startswith("data:"):
        return _inline(url)
    if url.startswith("oss://"):
        kept = store.upload(url.removeprefix("oss://"), account, model, now)
        if kept is None:
            raise RefusedError(MEDIA_FORBIDDEN)
        return _head(kept.path, most)
    try:
        # Addresses of this machine are fetched directly even where a proxy leads to the rest of the world.
        direct = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}
        with (
            httpx.Client(follow_redirects=True, timeout=_TIMEOUT, mounts=direct) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code in (401, 403):
                raise RefusedError(MEDIA_FORBIDDEN)
            if answer.status_code != httpx.codes.OK:
                raise RefusedError(download_failed(what, f"HTTP status {answer.status_code}"))
            gathered = bytearray()
            for piece in answer.iter_bytes():
                gathered += piece
                if len(gathered) > most:
                    break
            return bytes(gathered)
    except httpx.TimeoutException as error:
        raise RefusedError(MEDIA_TIMEOUT) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise RefusedError(URL_ERROR) from error
    except httpx.HTTPError as error:
        raise RefusedError(download_failed(what, "connection error")) from error


def needs_resolving(urls: tuple[str, ...], resolves_oss: bool) -> None:
    """Refuse oss:// addresses when the create did not ask for them to be resolved.

    Raises:
        RefusedError: `X-DashScope-OssResourceResolve: enable` is missing.
    """
    if not resolves_oss and any(url.startswith("oss://") for url in urls):
        raise RefusedError(OSS_UNRESOLVED)


def _head(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most + 1)


def _inline(url: str) -> bytes:
    described, _, data = url.partition(",")
    try:
        if described.endswith(";base64"):
            return base64.b64decode(data, validate=True)
        return unquote_to_bytes(data)
    except binascii.Error as error:
        raise RefusedError(URL_ERROR) from error
