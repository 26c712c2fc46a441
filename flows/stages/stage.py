"""What the five stages have in common as Prefect tasks: no cache, no stored result, retries by cause."""

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from blocks.clients.store import StorageFailed
from blocks.clients.transport import CallFailed
from flows.rules.failures import may_read_again

P = ParamSpec("P")
R = TypeVar("R")


def stage(name: str, *, named: str, retries: int) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Makes a stage a Prefect task.

    The journal guards what is paid for, so a stage may be run again at any time, by Prefect or by a person.

    Args:
        name: Name of the Prefect task.
        named: Template of the Prefect task run's name.
        retries: How often it is run again after something that may pass.
    """

    def wrap(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        made: Any = task(
            name=name,
            task_run_name=named,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=retries,
            retry_delay_seconds=exponential_backoff(1) if retries else None,
            retry_jitter_factor=0.3 if retries else None,
            retry_condition_fn=_may_pass,
        )(function)
        return made  # type: ignore[no-any-return]

    return wrap


async def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether running a stage again can help: yes for storage and network, no for what was refused or decided."""
    error = await state.aresult(raise_on_failure=False)
    if isinstance(error, CallFailed):
        return may_read_again(error.failure)
    return isinstance(error, StorageFailed)
