"""`recut status`: the journal as people read it; also finds single jobs for the commands that change something."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.text import Text

from blocks.clients.store import StorageFailed
from deployments.local import prefect_server
from flows.commands.messages import STATE_STYLES, complain, out, plain, print_json, tell
from flows.commands.plan import opened_places
from flows.ledger.guard import Guard
from flows.ledger.journal import Journal, owner_is_gone
from flows.rules.history import Attempt, History
from flows.rules.states import JobState
from flows.running.clock import Clock
from flows.running.settings import RunOptions


def run_status(options: RunOptions, as_json: bool) -> int:
    """Shows where every job of the journal stands."""
    journal = open_journal(options)
    rows, unreadable = asyncio.run(_histories(journal))
    if as_json:
        print_json({"jobs": [_as_json(key, history) for key, history in rows], "unreadable": unreadable})
    elif not rows and not unreadable:
        out.print(f"no jobs in the journal at {journal.store.url}")
    else:
        _print_jobs(rows)
    for text in unreadable:
        complain(text)
    return 1 if unreadable else 0


async def find_job(journal: Journal, job: str) -> tuple[str, History]:
    """Returns the one job of that name or key.

    Raises:
        ValueError: There is none, or more than one.
    """
    rows, _ = await _histories(journal)
    named = [(key, history) for key, history in rows if key.startswith(job) or _name(history) == job]
    if len(named) != 1:
        count = "no job" if not named else f"{len(named)} jobs"
        raise ValueError(f"{count} in the journal by the name or key {job!r}; recut status lists them")
    return named[0]


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


async def _histories(journal: Journal) -> tuple[list[tuple[str, History]], list[str]]:
    rows: list[tuple[str, History]] = []
    unreadable = []
    for key in await journal.job_keys():
        try:
            rows.append((key, await journal.history(key)))
        except (StorageFailed, ValueError) as error:
            unreadable.append(str(error))
    rows.sort(key=lambda row: row[1].attempts[0].intent.at if row[1].attempts else Clock().now())
    return rows, unreadable


def _name(history: History) -> str:
    return history.last.intent.name if history.last else ""


def _print_jobs(rows: list[tuple[str, History]]) -> None:
    for key, history in rows:
        last = history.last
        assert last is not None
        state = state_of(history)
        where = last.intent.endpoint
        since = history.attempts[0].intent.at.astimezone().strftime("%Y-%m-%d %H:%M")
        tell(
            out,
            Text(plain(last.intent.name), style="bold")
            + Text(f"  {state}", style=STATE_STYLES.get(state, "red"))
            + Text(f"  {where.model} at {where.provider}, since {since}, key {key[:8]}", style="dim"),
        )
        for attempt in history.attempts:
            tell(out, _told(attempt, is_last=attempt is last), indent=4)


def _told(attempt: Attempt, *, is_last: bool) -> str:
    said = []
    if attempt.submitted:
        said.append(f"{'adopted' if attempt.submitted.adopted else 'created'} {attempt.submitted.provider_task_id}")
    if attempt.refused:
        said.append(f"refused ({attempt.refused.failure.code})")
    if attempt.unanswered and not attempt.submitted:
        said.append(f"no answer ({attempt.unanswered.failure.code})")
    if attempt.decided:
        said.append(f"decided: {attempt.decided.decision}")
        if is_last and attempt.is_wanted_again and not attempt.is_under_way and not attempt.settled:
            said.append("to be created again by the next run")
    if attempt.settled:
        why = f" ({attempt.settled.failure.code})" if attempt.settled.failure else ""
        cost = f", {attempt.settled.cost}" if attempt.settled.cost else ""
        said.append(f"{attempt.settled.state}{why}{cost}")
    return f"try {attempt.number}: {', '.join(said) or 'intent only'}"


def _as_json(key: str, history: History) -> dict[str, Any]:
    attempts = [
        {
            name: record.model_dump(mode="json")
            for name in ("intent", "submitted", "refused", "unanswered", "decided", "settled")
            if (record := getattr(attempt, name)) is not None
        }
        for attempt in history.attempts
    ]
    return {"name": _name(history), "job_key": key, "state": state_of(history), "attempts": attempts}
