"""The right to have a provider task alive, and the pace of calls: kept by this machine, or by the Prefect server."""
