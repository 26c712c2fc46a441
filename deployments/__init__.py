"""How recut stands up: the local provider, the local Prefect server, deployments."""
