"""Fetching media as the provider does: by http(s), out of its own temporary store, or from a data URI."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

import httpx

from deployments.emulator.errors import (
    MEDIA_FORBIDDEN,
    MEDIA_TIMEOUT,
    URL_ERROR,
    RefusedError,
    download_failed,
)
from deployments.emulator.request import Customer
from deployments.emulator.store import Store

_TIMEOUT = httpx.Timeout(10)  # real seconds: also the longest that stopping may have to wait
# Addresses of this machine are fetched directly even where a proxy leads to the rest of the world.
_DIRECT: dict[str, httpx.BaseTransport | None] = {
    "all://127.0.0.1": None,
    "all://localhost": None,
    "all://[::1]": None,
}


class Fetcher:
    """Gets media. May be used from several threads.

    Args:
        store: The temporary store that oss:// addresses point into.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client = httpx.Client(follow_redirects=True, timeout=_TIMEOUT, mounts=_DIRECT)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, url: str, what: str, most: int, customer: Customer, now: float) -> bytes:
        """Get a medium's bytes. Blocking.

        Args:
            url: Its address as the request gave it.
            what: `video` or `image`, for the error's words.
            most: Greatest size in bytes; a little more may be read, so that the caller can tell.
            customer: Who asks.
            now: Provider time in epoch seconds; uploads expire.

        Raises:
            RefusedError: It could not be had, with the provider's words for why.
        """
        if url.startswith("data:"):
            return _inline(url)
        if url.startswith("oss://"):
            return self._stored(url.removeprefix("oss://"), most, customer, now)
        try:
            return self._downloaded(url, what, most)
        except httpx.TimeoutException as error:
            raise RefusedError(MEDIA_TIMEOUT) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise RefusedError(URL_ERROR) from error
        except httpx.HTTPError as error:
            raise RefusedError(download_failed(what, "connection error")) from error

    def _stored(self, key: str, most: int, customer: Customer, now: float) -> bytes:
        kept = self._store.upload(key, customer.account, customer.model, now)
        if kept is None:
            raise RefusedError(MEDIA_FORBIDDEN)
        with kept.path.open("rb") as file:
            return file.read(most + 1)

    def _downloaded(self, url: str, what: str, most: int) -> bytes:
        with self._client.stream("GET", url) as answer:
            if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                raise RefusedError(MEDIA_FORBIDDEN)
            if answer.status_code != httpx.codes.OK:
                raise RefusedError(download_failed(what, f"HTTP status {answer.status_code}"))
            gathered = bytearray()
            for piece in answer.iter_bytes():
                gathered += piece
                if len(gathered) > most:
                    break
            return bytes(gathered)


def _inline(url: str) -> bytes:
    described, _, data = url.partition(",")
    try:
        if described.endswith(";base64"):
            return base64.b64decode(data, validate=True)
        return unquote_to_bytes(data)
    except binascii.Error as error:
        raise RefusedError(URL_ERROR) from error
