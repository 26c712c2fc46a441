"""Log lines that can be found: each ends with the job key, and with the provider's ids where there are any."""

import logging
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger

from flows.rules.history import Attempt
from flows.rules.plain import plain


class JobLogger(logging.LoggerAdapter[logging.Logger | logging.LoggerAdapter[logging.Logger]]):
    """Logs to the current Prefect run, for one job; outside of any, as recut.

    Args:
        name: The job's name.
        ids: What it is known as, by what.

    The ids stand in the message, because the Prefect UI searches messages only, and as attributes of the record, for
    handlers that write JSON.
    """

    def __init__(self, name: str, ids: Mapping[str, str]) -> None:
        super().__init__(_current_logger(), ids)
        self._name = name

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Adds the ids to a record."""
        return msg, {**kwargs, "extra": {**kwargs.get("extra", {}), **(self.extra or {})}}

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Logs a line: the job's name, what happened, the ids; nothing in it could steer a terminal."""
        ids = " ".join(f"{name}={value}" for name, value in (self.extra or {}).items())
        said = f"{self._name}: {str(msg) % args if args else msg} [{ids}]"
        super().log(level, "%s", plain(said), **kwargs)


def job_log(job_key: str, name: str, attempt: Attempt | None = None, **ids: str | None) -> JobLogger:
    """Returns the logger of the current Prefect task or flow run, for one job.

    Args:
        job_key: The job.
        name: Its name.
        attempt: Where its provider task's id and the create's request id are taken from.
        ids: Further names and ids; None is left out.
    """
    known = {"job_key": job_key, **dict(_ids_of(attempt)), **ids}
    return JobLogger(name, {label: value for label, value in known.items() if value})


def _current_logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger("recut")


def _ids_of(attempt: Attempt | None) -> Iterator[tuple[str, str | None]]:
    if attempt is not None and attempt.submitted is not None:
        yield "provider_task_id", attempt.submitted.provider_task_id
        yield "request_id", attempt.submitted.request_id
