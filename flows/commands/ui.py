"""`recut ui`: where the runs can be looked at."""

import threading

from deployments.local import prefect_server
from flows.commands.messages import out


def run_ui() -> int:
    """Prints the address of the Prefect UI; keeps recut's own server up until Ctrl-C."""
    with prefect_server() as server:
        out.print(f"The runs are at {server.ui_url}")
        if server.embedded:
            out.print("recut's own Prefect server stays up for as long as this runs; Ctrl-C ends it.")
            threading.Event().wait()
    return 0
