"""Who keeps the limits: the Prefect server where one is configured elsewhere, this machine otherwise."""

from flows.admission.limits import Limits, OwnLimits
from flows.admission.machine import MachineLimits
from flows.admission.server import ServerLimits
from flows.rules.addresses import is_loopback
from flows.running.settings import LimitsKeeper, Settings


def keeper_of_limits(settings: Settings, api_url: str | None) -> LimitsKeeper:
    """Returns who keeps the limits.

    A Prefect server on another host is there for several machines, and they share its limits. A server on this
    machine serves this machine, whose own locks are quicker and need nobody. RECUT_LIMITS says otherwise.

    Args:
        settings: What the team set.
        api_url: The Prefect server's API, None when there is none.
    """
    if settings.limits is not None:
        return settings.limits
    return "server" if api_url and not is_loopback(api_url) else "machine"


def open_limits(settings: Settings, api_url: str | None) -> Limits:
    """Returns the limits of a run.

    Args:
        settings: What the team set.
        api_url: The Prefect server's API, None when there is none.
    """
    own = OwnLimits(settings.max_running, settings.submits_per_second, settings.queries_per_second)
    if keeper_of_limits(settings, api_url) == "server":
        return ServerLimits(own)
    return MachineLimits(settings.home.expanduser() / "limits", own)
