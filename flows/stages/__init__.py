"""The five stages as Prefect tasks, in order of travel: validate, upload, create, poll, persist."""
