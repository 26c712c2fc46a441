"""The build step of prefect.yaml: gives the values it leaves open, and creates or renews the automations.

Prefect runs a build step for each deployment, after it has looked for the work pool: a missing pool can therefore
not be made here, but by `deployments.deploy`.
"""

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from prefect.client.orchestration import get_client

from deployments.automations import renew_automations
from flows.planning.sources import lasting
from flows.running.settings import Settings

#: Paths of the machine that deploys say nothing about the machine that works.
_OF_ONE_MACHINE: Final = {"home", "catalog"}
#: Settings that may be relative paths.
_PLACES: Final = ("RECUT_RESULTS", "RECUT_JOURNAL", "RECUT_INBOX")
#: Seconds between two signs of life of a flow run; three missing ones count as its end (`automations`).
_HEARTBEAT_SECONDS: Final = 30
_renewed: list[str] = []


async def prepare() -> dict[str, Any]:
    """Renews the automations, once per `prefect deploy`, and returns what stands in prefect.yaml's double braces."""
    if not _renewed:
        async with get_client() as client:
            _renewed.extend(await renew_automations(client, os.environ.get("RECUT_NOTIFY_BLOCK")))
        print("   Automations:", ", ".join(_renewed))
    return values(os.environ)


def values(environment: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values of prefect.yaml for an environment.

    Args:
        environment: The environment variables of whoever deploys. Settings of recut that are given there are kept
            with the deployments, except passwords, and go before those of a worker; what is not given is the
            worker's.
    """
    manifest = environment.get("RECUT_MANIFEST")
    return {
        "environment": {**_settings(environment), "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(_HEARTBEAT_SECONDS)},
        "inbox_is_named": bool(environment.get("RECUT_INBOX")),
        "manifest_is_named": bool(manifest),
        "manifest_cron": environment.get("RECUT_MANIFEST_CRON") or "0 6 * * *",
        "manifest_timezone": environment.get("RECUT_MANIFEST_TIMEZONE") or "UTC",
        **({"manifest": lasting(manifest)} if manifest else {}),
    }


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    names = (f"RECUT_{name.upper()}" for name in Settings.model_fields if name not in _OF_ONE_MACHINE)
    given = {name: environment[name] for name in (*names, "DASHSCOPE_API_REGION") if environment.get(name)}
    given |= {name: lasting(given[name]) for name in _PLACES if name in given}
    return {name: value for name, value in given.items() if not urlsplit(value).password}
