"""The settings of a Prefect server that suit recut, whoever starts it.

By default Prefect records one task run per transaction, keeps concurrency leases in memory and never forgets a
run: too slow for a batch of edits, unsafe after a restart, and ever growing.
"""

from typing import Final

SERVER_SETTINGS: Final[dict[str, str]] = {
    # One at a time, the task-run states of a batch show up minutes late.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",  # seconds; Prefect cuts off fractions
    # Leases in memory are lost by a restart, and the slots they stood for stay taken for ever.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # Prefect vacuums events only; old flow runs go with this, after 90 days unless set otherwise.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    # Nothing is reported to Prefect's makers, nothing is advertised.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "DO_NOT_TRACK": "1",
}
"""Environment variables by name, as strings."""
