"""Takes a drop in: reads what it asks for, validates and prices it. Creates and uploads nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import ValidationError

from blocks.clients.store import StorageFailed
from blocks.credentials import CredentialsMissing
from flows.inbox.listing import Inbox
from flows.inbox.reading import rows_of_drop
from flows.planning.plan import PlannedJob, plan_rows
from flows.rules.drop_ends import Remedy, Why
from flows.rules.drops import Drop, Kind
from flows.rules.sidecar import Sidecar
from flows.running.run import Run
from flows.telling.outcomes import OverBudget

_NOTHING = "nothing was created and nothing is billed"


@dataclass(frozen=True)
class Refusal:
    """Why a drop was not taken in; nothing was created for it.

    Attributes:
        remedy: What it takes.
        why: All reasons.
    """

    remedy: Remedy
    why: list[Why]


@dataclass
class Names:
    """The names that drops gave their results, so that no two jobs share one.

    Attributes:
        turn: To be held while names are claimed, or two drops could find the same one free.
    """

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _owners: dict[str, str] = field(default_factory=dict)

    def claim(self, run: Run, plan: PlannedJob) -> Why | None:
        """Claims the name that a person gave a job's result; says why it cannot be had.

        Raises:
            StorageFailed: It cannot be told.
        """
        if plan.job is None or plan.job.name is None or plan.job_key is None:
            return None
        owner = self._owners.get(plan.name.casefold()) or _owner_of(run, plan.name)
        if owner not in (None, plan.job_key):
            message = f"{plan.name} is already the name of another job's result; {_NOTHING}"
            return Why(about="name", message=message, advice="choose another name, or leave it out")
        self._owners[plan.name.casefold()] = plan.job_key
        return None

    def free(self, plan: PlannedJob) -> None:
        """Gives back the name of a job that has no result: another one may have it."""
        if self._owners.get(plan.name.casefold()) == plan.job_key:
            del self._owners[plan.name.casefold()]


async def take_in(run: Run, inbox: Inbox, drop: Drop, names: Names) -> list[PlannedJob] | Refusal:
    """Returns the plans of what a drop asks for, or why some of it cannot run: its Prefect task run then fails.

    Args:
        run: The run.
        inbox: Where the drop lies.
        drop: The drop.
        names: The names that other drops gave their results.
    """
    state = await _take_in(run, inbox, drop, names, return_state=True)
    told = await state.aresult(raise_on_failure=False)
    if not isinstance(told, BaseException):
        return told  # type: ignore[no-any-return]
    message, advice = f"recut itself failed ({told!r}); {_NOTHING}", "try again; if it fails again, report it"
    return Refusal(Remedy.TIME, [Why(about=drop.name, message=message, advice=advice)])


async def _plans_of(run: Run, inbox: Inbox, drop: Drop, names: Names) -> list[PlannedJob] | State[Refusal]:
    try:
        rows = await asyncio.to_thread(rows_of_drop, inbox, drop)
        wanted = {row.job.provider or run.settings.provider for row in rows if row.job is not None}
        plans = await plan_rows(rows, await run.market(wanted))
        if why := _problems(inbox, drop, plans):
            return _refused(drop, Remedy.CHANGE, why)
        async with names.turn:
            why = await asyncio.to_thread(_claimed, run, plans, names)
        if why:
            return _refused(drop, Remedy.CHANGE, why)
        await run.keep_to_cap(plans)
    except FileNotFoundError as error:
        why = [
            Why(about=drop.name, message=f"{error.filename or 'a file'} is gone; {_NOTHING}", advice="drop it again")
        ]
        return _refused(drop, Remedy.TIME, why)
    except (StorageFailed, CredentialsMissing, OverBudget) as error:
        advice = "mend that; the drop itself may be in order"
        return _refused(drop, Remedy.TIME, [Why(about=drop.name, message=f"{error}; {_NOTHING}", advice=advice)])
    return plans


_take_in: Any = task(name="take in", task_run_name="take in {drop.name}", cache_policy=NO_CACHE, persist_result=False)(
    _plans_of
)


def _problems(inbox: Inbox, drop: Drop, plans: Sequence[PlannedJob]) -> list[Why]:
    """Returns everything that keeps the jobs of a drop from running."""
    if drop.is_bare and inbox.prompt is None:
        stem = drop.name.rpartition(".")[0]
        message = f"no instructions came with this clip; {_NOTHING}"
        advice = f"say what to change in {stem}.txt beside it, or give all fields of a job in {stem}.yaml"
        return [Why(about="prompt", message=message, advice=advice)]
    return [
        Why(
            about=f"{plan.label}, {problem.field}" if drop.kind is Kind.MANIFEST else problem.field,
            message=f"{problem.message}; {_NOTHING}",
            advice=problem.advice,
        )
        for plan in plans
        for problem in plan.problems
    ]


def _claimed(run: Run, plans: Sequence[PlannedJob], names: Names) -> list[Why]:
    """Claims all names of a drop, or none."""
    why = []
    for plan in plans:
        if (taken := names.claim(run, plan)) is not None:
            why.append(taken)
    if why:
        for plan in plans:
            names.free(plan)
    return why


def _owner_of(run: Run, name: str) -> str | None:
    """Returns the key of the job whose result has a name, something else where a foreign file has it."""
    try:
        return Sidecar.model_validate_json(run.results.read(f"{name}.json")).job_key
    except FileNotFoundError:
        return None if run.results.size(f"{name}.mp4") is None else "a file of unknown origin"
    except ValidationError:
        return "a file of unknown origin"


def _refused(drop: Drop, remedy: Remedy, why: list[Why]) -> State[Refusal]:
    first = why[0]
    more = f" (and {len(why) - 1} more)" if len(why) > 1 else ""
    return Failed(message=f"{drop.name}: {first.about}: {first.message}{more}", data=Refusal(remedy, why))
