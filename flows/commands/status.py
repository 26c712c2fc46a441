"""`recut status`: the journal as people read it; also finds single jobs for the commands that change something."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from blocks.clients.store import StorageFailed
from deployments.local import prefect_server
from flows.commands.messages import complain, counted, out, print_json
from flows.commands.plan import opened_places
from flows.commands.standings import print_standings, print_story
from flows.ledger.guard import Guard
from flows.ledger.journal import Journal, owner_is_gone
from flows.rules.history import History
from flows.rules.standing import Standing, Wanted, at_stake, paid
from flows.rules.states import JobState
from flows.running.clock import Clock
from flows.running.settings import RunOptions
from flows.telling.reports import sums


def run_status(options: RunOptions, as_json: bool, job: str | None, wanted: Wanted) -> int:
    """Shows where the jobs of the journal stand.

    Args:
        options: Where the journal is.
        as_json: Print one JSON object with the records themselves.
        job: A name or key, to see one job's whole story; a name with ``*`` or ``?``, to see all that look like it.
        wanted: Which jobs are asked for besides.

    Raises:
        ValueError: There is no such job.
    """
    journal = open_journal(options)
    jobs, unreadable = asyncio.run(_standings(journal))
    is_pattern = job is not None and any(mark in job for mark in "*?")
    if is_pattern and job is not None:
        wanted = replace(wanted, pattern=job)
    elif job is not None:
        jobs = [one for one in jobs if one.name == job or one.job_key.startswith(job)]
        if not jobs:
            raise ValueError(f"no job in the journal by the name or key {job!r}; recut status lists them")
    found = [one for one in jobs if wanted.admits(one)]
    if as_json:
        print_json(_as_json(found, unreadable))
    elif not jobs and not unreadable:
        out.print(f"no jobs in the journal at {journal.store.url}")
    elif not found:
        out.print(f"none of the {counted(len(jobs), 'job')} in the journal is like that")
    elif job is not None and not is_pattern and len(found) == 1:
        print_story(found[0])
    else:
        print_standings(found)
    for text in unreadable:
        complain(text)
    return 1 if unreadable else 0


async def find_job(journal: Journal, job: str) -> tuple[str, History]:
    """Returns the one job of that name or key.

    Raises:
        ValueError: There is none, or more than one.
    """
    jobs, _ = await _standings(journal)
    named = [one for one in jobs if one.job_key.startswith(job) or one.name == job]
    if len(named) != 1:
        count = "no job" if not named else f"{len(named)} jobs"
        raise ValueError(f"{count} in the journal by the name or key {job!r}; recut status lists them")
    return named[0].job_key, named[0].history


def state_of(history: History) -> JobState:
    """Returns where a job stands now; a create whose process was killed on this machine is known to be held."""
    return history.state(Clock().now(), owner_is_gone=owner_is_gone(history))


def open_journal(options: RunOptions) -> Journal:
    """Returns the journal that a run with these options would use."""
    return Journal(opened_places(options).journal, alone=Guard().alone)


@contextmanager
def ready_to_write(journal: Journal, credentials: str | None = None) -> Iterator[None]:
    """Lets records be written as exclusively as a run writes them, where that takes Prefect with a server of it.

    Args:
        journal: What is written to.
        credentials: Name of a saved block that is to be loaded meanwhile, which takes a server too.

    Raises:
        StorageFailed: Nothing can be written.
    """
    asyncio.run(journal.prove_exclusive())
    with prefect_server() if journal.needs_guard or credentials else nullcontext():
        yield


async def _standings(journal: Journal) -> tuple[list[Standing], list[str]]:
    """Returns all jobs, the one begun first at the head, and what is to be said of those that cannot be read."""
    jobs, unreadable = [], []
    for key, history in (await journal.histories()).items():
        if isinstance(history, StorageFailed):
            unreadable.append(str(history))
        else:
            jobs.append(Standing(key, history, state_of(history)))
    return sorted(jobs, key=lambda job: job.begun_at), unreadable


def _as_json(jobs: Sequence[Standing], unreadable: Sequence[str]) -> dict[str, Any]:
    return {
        "jobs": [
            {"name": job.name, "job_key": job.job_key, "state": job.state, "attempts": _records(job.history)}
            for job in jobs
        ],
        "cost": sums(paid(jobs)),
        "at_stake": sums(at_stake(jobs)),
        "unreadable": unreadable,
    }


def _records(history: History) -> list[dict[str, Any]]:
    return [
        {
            name: record.model_dump(mode="json")
            for name in ("intent", "submitted", "refused", "unanswered", "decided", "settled")
            if (record := getattr(attempt, name)) is not None
        }
        for attempt in history.attempts
    ]
