"""Many jobs: validate all, price all, split into shards; each shard keeps the provider full; report."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.edit_video import edit_and_report, verdict
from flows.planning.plan import OPEN_AT_ONCE, PlannedJob, rows_of
from flows.rules.manifest import Row
from flows.running.progress import Stage, Step
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.running.stopping import cancellable
from flows.running.workers import run_on_workers
from flows.stages.validate import validate
from flows.telling.artifacts import BatchPages, renew_gallery, show_edit
from flows.telling.labels import label_run
from flows.telling.outcomes import InputRefused
from flows.telling.reports import BatchReport, JobReport, counts
from flows.telling.summary import edits

#: Edits per flow run: up to about this many, the run's graph in the Prefect UI can be read.
SHARD_SIZE = 60


@flow(name="edit-batch", flow_run_name="batch: {manifest}", persist_result=False)
@cancellable
async def edit_batch(manifest: str, options: RunOptions | None = None) -> State[BatchReport]:
    """Edits everything a manifest lists. Safe to run again at any time, from anywhere: nothing is paid twice.

    Args:
        manifest: Path or URL of a JSONL, CSV or YAML file.
        options: What this run sets for itself; the rest comes from the environment.

    Returns:
        Completed when every job is published, Failed otherwise; either carries the report.

    Raises:
        ManifestError: The manifest cannot be read.
        InputRefused: Some jobs cannot run as they are; nothing was uploaded or created.
        OverBudget: Together they cost more than the cap; nothing was uploaded or created.
    """
    options = options or RunOptions()
    async with open_run(options) as run:
        rows = await asyncio.to_thread(rows_of, manifest, run.places.known)
        plans = await validate_all(run, rows)
        await run.keep_to_cap(plans)
        await label_run(run, plans, f"batch: {PurePosixPath(manifest).name} ({edits(len(plans))})")
        if len(plans) <= SHARD_SIZE:  # more pages would hide each other
            run.on_end = partial(show_edit, run)
        pages = BatchPages(run, manifest)
        async with pages.kept_up_to_date():
            for plan in plans:
                lane = await run.lane(plan.provider, plan.model)
                run.progress.tell(Step(plan.job_key or "", plan.name, Stage.PLANNED, plan.cost, lane=lane))
            shards = await split(run, plans)
            if run.settings.on_workers:  # what they leave unfinished, and the report, is then done here
                await run_on_workers(run, shards)
            reported = await _in_turn(run, shards, options)
        by_name = {report.name: report for reports in reported for report in reports}
        report = BatchReport(jobs=[by_name[plan.name] for plan in plans])
        await pages.conclude(report, await renew_gallery(run, report.jobs))
    return verdict(report)


@flow(name="edit-shard", flow_run_name="shard {number}")
@cancellable
async def edit_shard(plans: list[PlannedJob], options: RunOptions, number: int = 1) -> State[list[JobReport]]:
    """Edits validated jobs, as many at once as the provider allows; one that fails stops no other.

    Args:
        plans: The jobs.
        options: What this run sets for itself.
        number: Which shard of its batch this is.

    Returns:
        Completed, whatever became of the jobs: it carries their reports, which is what a caller gets.
    """
    same = defaultdict(list)
    for plan in plans:
        same[plan.job_key].append(plan)
    async with open_run(options) as run:
        await label_run(run, plans, f"shard {number}: {edits(len(plans))}")
        groups = await asyncio.gather(*(_one_after_the_other(run, group) for group in same.values()))
    reports = [report for group in groups for report in group]
    return Completed(message=counts(BatchReport(jobs=reports)), data=reports)


async def validate_all(run: Run, rows: Sequence[Row]) -> list[PlannedJob]:
    """Returns the plans of all rows.

    Raises:
        InputRefused: At least one row cannot run; all problems of all rows are told.
    """
    named = {row.job.provider or run.settings.provider for row in rows if row.job is not None}
    market = await run.market(named)
    turns = asyncio.Semaphore(OPEN_AT_ONCE)

    async def one(row: Row) -> PlannedJob:
        async with turns:
            return await validate(row, market, row.job.name or row.job.clip_stem if row.job else row.label)

    plans = list(await asyncio.gather(*(one(row) for row in rows)))
    refused = [(f"{plan.label} {plan.name}".strip(), plan.problems) for plan in plans if not plan.ok]
    if refused:
        raise InputRefused(refused)
    return _named_apart(plans)


async def split(run: Run, plans: Sequence[PlannedJob]) -> list[list[PlannedJob]]:
    """Returns shards, each of jobs that share slots.

    Among those, jobs begun earlier come first, since their results expire, then the longest clips: what is long and
    begins late would run alone at the end.
    """
    begun = set(await run.journal.job_keys())
    keys = {plan.job_key: index for index, plan in reversed(list(enumerate(plans)))}
    order = sorted(plans, key=lambda plan: (plan.job_key not in begun, -(plan.clip_seconds or 0), keys[plan.job_key]))
    by_lane: dict[tuple[str, str], list[PlannedJob]] = defaultdict(list)
    for plan in order:
        by_lane[plan.provider, plan.model].append(plan)
    return [jobs[start : start + SHARD_SIZE] for jobs in by_lane.values() for start in range(0, len(jobs), SHARD_SIZE)]


async def _in_turn(run: Run, shards: Sequence[Sequence[PlannedJob]], options: RunOptions) -> list[list[JobReport]]:
    """Runs shards: among those that share slots, the next one begins when all jobs of the one before have begun."""
    running: list[asyncio.Future[Any]] = []
    lanes: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def begin(number: int, plans: Sequence[PlannedJob]) -> list[JobReport]:
        async with lanes[plans[0].provider, plans[0].model]:  # first come, first served
            shard: asyncio.Future[Any] = asyncio.ensure_future(edit_shard(list(plans), options, number))
            running.append(shard)
            begun: asyncio.Future[Any] = asyncio.ensure_future(run.window.all_begun({plan.job_key for plan in plans}))
            try:
                await asyncio.wait({shard, begun}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                begun.cancel()
        reports: list[JobReport] = await shard
        return reports

    try:
        return await asyncio.gather(*(begin(number, plans) for number, plans in enumerate(shards, start=1)))
    finally:  # when the run is interrupted, it closes after its shards
        for shard in running:
            shard.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _one_after_the_other(run: Run, plans: Sequence[PlannedJob]) -> list[JobReport]:
    """Takes jobs of one key in turn: the first is paid for, the others get copies of its result."""
    job_key = plans[0].job_key
    assert job_key is not None
    reports = []
    lane = await run.lane(plans[0].provider, plans[0].model)
    async with run.window.place(lane, job_key), run.turns[job_key]:
        try:
            for plan in plans:
                report = await edit_and_report(run, plan)
                if run.on_end is not None:
                    await run.on_end(plan, report)
                reports.append(report)
        finally:
            run.discard_scratch(job_key)
    return reports


def _named_apart(plans: Sequence[PlannedJob]) -> list[PlannedJob]:
    """Gives the same job listed twice without names of its own two names: each row has its own result."""
    seen: dict[str, int] = defaultdict(int)
    named = []
    for plan in plans:
        seen[plan.name] += 1
        count = seen[plan.name]
        named.append(plan if count == 1 else plan.model_copy(update={"name": f"{plan.name}-{count}"}))
    return named
