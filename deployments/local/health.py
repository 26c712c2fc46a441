"""Asks a Prefect server whether it is there, and says so in words when it is not."""

import ssl
import urllib.request
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError

ANSWER_SECONDS: Final = 10.0

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerUnreachable(Exception):
    """No Prefect server can be reached; the text says what to do and that nothing was created."""


def answers(url: str, seconds: float) -> bool:
    """Returns whether a Prefect API on this machine answers, at the latest after `seconds`."""
    try:
        with _direct.open(f"{url}/health", timeout=seconds) as response:
            return bool(response.read() == b"true")
    except (OSError, HTTPException):
        return False


def require_answer(url: str) -> None:
    """Checks that the server the user configured is there.

    Whether it lets us in, and whether its certificate is good, are Prefect's questions: it knows the settings
    for both and has its own words for them.

    Raises:
        ServerUnreachable: Nobody answers at `url`, or it is not a Prefect API.
    """
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=ANSWER_SECONDS) as response:  # noqa: S310
            if response.headers.get_content_type() != "text/html":
                return
            problem = "answers with a web page. An API address usually ends in /api"
    except HTTPError as error:
        if error.code < 500:
            return
        problem = f"answers {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            return
        problem = f"does not answer ({reason})"
    raise ServerUnreachable(
        f"The Prefect server configured as {url} {problem}. Nothing was created. Start that server or correct "
        "PREFECT_API_URL (`prefect config view` shows where it is set); without it, recut uses a local server "
        "of its own."
    )
