"""`make serve`: a Prefect server, a worker, recut's deployments and a watched inbox on this machine."""
