"""Hands the shards of a batch to Prefect workers, as runs of the deployment edit-shard/shard, and awaits their end."""

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from flows.planning.plan import PlannedJob
from flows.planning.sources import lasting
from flows.running.run import Run
from flows.running.settings import RunOptions, Settings

DEPLOYMENT = "edit-shard/shard"
#: A Prefect server takes 512 KB of parameters for one flow run.
MOST_BYTES = 400_000


async def run_on_workers(run: Run, shards: Sequence[Sequence[PlannedJob]]) -> None:
    """Has workers edit shards; however their runs end, the journal then says how each job stands.

    A batch that is started again while its flow run stays the same waits for the runs it asked for before.

    Args:
        run: The batch's run; its settings are the workers'.
        shards: The jobs, already within the batch's cap.

    Raises:
        ValueError: The deployment is missing; nothing was created.
    """
    options = _options(run.settings).model_dump(mode="json", exclude_none=True)
    pieces = [piece for shard in shards for piece in split_by_size(shard)]
    try:
        await asyncio.gather(*(_one(run, options, piece, number) for number, piece in enumerate(pieces, start=1)))
    except asyncio.CancelledError:
        get_run_logger().warning(
            "The shards that were handed to workers run on, and what they create is billed: cancel their runs of %s in "
            "the Prefect UI to stop them. Another run of this batch follows them and creates nothing twice.",
            DEPLOYMENT,
        )
        raise
    except ObjectNotFound as error:
        raise ValueError(
            f"the deployment {DEPLOYMENT} is not there, so no worker can take a shard: run "
            "`python -m deployments.deploy` once, or leave --on-workers out"
        ) from error


def split_by_size(plans: Sequence[PlannedJob], most_bytes: int = MOST_BYTES) -> Iterator[list[PlannedJob]]:
    """Splits a shard whose parameters would be too long; one job alone is never too long."""
    piece: list[PlannedJob] = []
    size = 0
    for plan in plans:
        length = len(plan.model_dump_json().encode())
        if piece and size + length > most_bytes:
            yield piece
            piece, size = [], 0
        piece.append(plan)
        size += length
    if piece:
        yield piece


async def _one(run: Run, options: dict[str, Any], plans: Sequence[PlannedJob], number: int) -> None:
    await arun_deployment(
        DEPLOYMENT,
        parameters={"plans": [plan.model_dump(mode="json") for plan in plans], "options": options, "number": number},
        idempotency_key=f"{run.flow_run_id}-{number}",
    )


def _options(settings: Settings) -> RunOptions:
    """Returns what makes a worker do as this run does.

    The batch has reserved what its jobs may cost. Whatever comes on top of that, another try of a job, has no room
    in a shard's cap of nothing: the batch itself does it afterwards, within the cap that it alone knows the rest of.
    """
    same = {name: getattr(settings, name) for name in RunOptions.model_fields}
    places = {"results": lasting(settings.results), "journal": settings.journal and lasting(settings.journal)}
    cap = None if settings.max_cost is None else Decimal(0)
    return RunOptions.model_validate({**same, **places, "max_cost": cap, "on_workers": None})
