"""`python -m deployments.relay`: takes notices of storage and providers, and wakes flows on the Prefect server."""

import sys

import uvicorn
from pydantic import ValidationError

from deployments.relay.app import RelaySettings, make_app


def main() -> int:
    """Serves until it is told to stop; returns the exit code."""
    try:
        settings = RelaySettings()
    except ValidationError as error:
        wrong = ", ".join(f"RECUT_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors())
        print(f"The relay cannot start ({wrong}). RECUT_RELAY_TOKEN is a secret of 16 characters.", file=sys.stderr)
        return 2
    uvicorn.run(
        make_app(settings), host=settings.relay_host, port=settings.relay_port, access_log=False, log_level="warning"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
