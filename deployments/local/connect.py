"""Connects a command with its Prefect server, before Prefect is imported and fixes its settings."""

import os
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployments.local.configured import configured_settings, ui_url
from deployments.local.health import ServerUnreachable, require_answer
from deployments.local.home import Home
from deployments.local.join import join
from deployments.local.locks import LOCKS_EXIST

DEFAULT_HOME: Final = "~/.recut/prefect"

QUIET_SETTINGS: Final[dict[str, str]] = {
    # All logs of a run are to be read in the UI, where they cost next to nothing; the terminal is recut's. What
    # Prefect warns of there (events on their way at exit, leases of short runs) asks nothing of the user, and what
    # it calls errors, tracebacks and all, are jobs without a result, which recut reports in its own words.
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True)
class ServerInfo:
    """The Prefect server a command works with.

    Attributes:
        url: Its API, as in PREFECT_API_URL.
        ui_url: Where people look at the runs.
        embedded: Whether it is recut's own local server.
    """

    url: str
    ui_url: str
    embedded: bool


@contextmanager
def prefect_server() -> Iterator[ServerInfo]:
    """Uses the configured Prefect server, or starts or joins the local one.

    Enter it before anything imports Prefect: it puts into `os.environ` what the import reads. The user's own
    settings, in the environment or the active Prefect profile, win. Under a Prefect that is imported already (a
    test harness), that one's server is used. The settings stay, and the local server is kept alive, until the
    process ends, because Prefect sends its last events when the interpreter exits.

    The local server's files are in PREFECT_HOME, or else `$RECUT_HOME/prefect`, or else `~/.recut/prefect`. It
    stops RECUT_SERVER_IDLE_SECONDS (default 300) after its last client has gone.

    Yields:
        Where the server is; it has answered.

    Raises:
        ServerUnreachable: No server answers, or none is configured on Windows, which lacks the file locks that
            the local one needs; says what to do. Nothing was created.
        RuntimeError: Prefect is imported already, and knows no server.
    """
    settings = configured_settings()
    url = _loaded_url() if "prefect" in sys.modules else settings.get("PREFECT_API_URL")
    os.environ.update(_quiet(settings))
    if url:
        require_answer(url)
        yield ServerInfo(url=url, ui_url=ui_url(url), embedded=False)
        return
    if not LOCKS_EXIST:
        raise ServerUnreachable(
            "recut's local Prefect server needs file locks that this system does not have. Run "
            "`prefect server start` and set PREFECT_API_URL to its address. Nothing was created."
        )
    home = Home(_home_path(settings))
    os.environ.update(_past_the_proxy() | {"PREFECT_HOME": str(home.path)})
    home.clients_lock().share()  # until the process ends; waits for a server that is stopping
    state = join(home)
    yield ServerInfo(url=state.url, ui_url=state.ui_url, embedded=True)


def _loaded_url() -> str:
    from prefect.settings import PREFECT_API_URL

    if url := PREFECT_API_URL.value():
        return str(url)
    raise RuntimeError("prefect_server() sets what Prefect reads when it is imported: enter it before.")


def _quiet(settings: Mapping[str, str]) -> dict[str, str]:
    quiet = {name: value for name, value in QUIET_SETTINGS.items() if name not in {**os.environ, **settings}}
    if "PREFECT_LOGGING_LEVEL" not in quiet:  # who asks for a level wants to see it
        quiet.pop("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", None)
    return quiet


def _home_path(settings: Mapping[str, str]) -> Path:
    if prefect_home := settings.get("PREFECT_HOME"):
        return Path(prefect_home).expanduser().absolute()
    if recut_home := os.environ.get("RECUT_HOME"):
        return Path(recut_home).expanduser().absolute() / "prefect"
    return Path(DEFAULT_HOME).expanduser()


def _past_the_proxy() -> dict[str, str]:
    """Prefect's client would ask a configured proxy for the loopback address too."""
    proxies = urllib.request.getproxies_environment()
    if not proxies:
        return {}
    return {"no_proxy": ",".join(filter(None, [proxies.get("no"), "127.0.0.1"]))}
