"""The Prefect server of a command: the one the user configured, or recut's own local one.

Of the two ways to go without a configured server, recut starts one server per PREFECT_HOME when it is first
needed, shares it between commands, and lets it stop by itself. Prefect's ephemeral server, one per process,
costs every command the start again, times out when several start at once, outlives a killed command as an
orphan, leaves its slots taken, loses task-run states at exit, and shows nothing in the UI afterwards.
"""

from deployments.local.connect import ServerInfo, prefect_server
from deployments.local.health import ServerUnreachable

__all__ = ["ServerInfo", "ServerUnreachable", "prefect_server"]
