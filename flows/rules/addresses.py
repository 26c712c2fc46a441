"""What may be talked to, and what may be printed: rules about URLs."""

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

_QUERY = re.compile(r"""(https?://[^\s?"'<>]+)\?[^\s"'<>]+""", re.IGNORECASE)


class AddressRefused(ValueError):
    """An address recut does not talk to, with the reason."""


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(url: str) -> bool:
    """Whether a hosted provider certainly cannot reach the host of a URL."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


def checked_api_address(url: str) -> str:
    """Returns an API address without trailing slash.

    Raises:
        AddressRefused: It is not https (plain http is for loopback only, since it carries the key), or carries
            credentials, a query or a fragment. The text never repeats what could be a secret.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise AddressRefused("the API address is not an http(s) address; give one like https://host/path")
    if any(sign in url for sign in "@?#"):
        raise AddressRefused("the API address must not hold credentials, a query or a fragment; keys have settings")
    if parts.scheme == "http" and not is_loopback(url):
        raise AddressRefused(f"{url} would send the key unencrypted; use https (http is for this machine only)")
    return url.rstrip("/")


def printable(address: str) -> str:
    """Returns an address for people: a URL without its query and credentials, which may be secrets; a path as it is."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2].lower()
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def without_queries(text: str) -> str:
    """Returns a text in which no URL has a query any more: a provider quotes addresses, and a query may sign one."""
    return _QUERY.sub(r"\1?…", text)
