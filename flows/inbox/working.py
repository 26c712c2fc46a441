"""Takes drops in and edits them, some hundred at once, and closes each when its last job has ended."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect.logging import get_run_logger

from blocks.clients.store import StorageFailed
from flows.edit_batch import SHARD_SIZE, edit_shard, split
from flows.edit_video import report_broken_off
from flows.inbox.books import Books, records_of_jobs
from flows.inbox.listing import Inbox
from flows.inbox.looking import Found
from flows.inbox.notes import Notes
from flows.inbox.taking import Names, Refusal, take_in
from flows.inbox.wanting import why_not
from flows.planning.plan import OPEN_AT_ONCE, UNKNOWN_COST, PlannedJob
from flows.rules.drop_ends import FIRST_PAUSE_SECONDS, Done, Edited, most, trouble
from flows.rules.drops import identities_alone
from flows.rules.job import DEFAULT_MODELS
from flows.rules.states import JobState
from flows.running.progress import Stage, Step
from flows.running.run import Run
from flows.running.settings import RunOptions
from flows.telling.artifacts import show_edit
from flows.telling.reports import JobReport, ReportedError

#: Jobs handed on and not ended: enough to keep any account's slots full, few enough for small machines.
AT_ONCE = 10 * SHARD_SIZE


#: A job by the name of its result and its key: several drops may ask for one.
_Job = tuple[str, str | None]


@dataclass
class _Begun:
    """A drop under way: its jobs, each with its report once it has ended."""

    found: Found
    jobs: dict[_Job, JobReport | None] = field(default_factory=dict)


class Work:
    """The drops under way.

    Args:
        run: The run.
        inbox: Where the drops lie.
        books: Remembers what becomes of them.
        notes: Says in the inbox what became of them.
        options: What the run sets for itself.
        tell: Called with what is new of every job that has ended, also those that were refused.
        changed: Set whenever something has ended.
    """

    def __init__(
        self,
        run: Run,
        inbox: Inbox,
        books: Books,
        notes: Notes,
        options: RunOptions,
        tell: Callable[[JobReport], None],
        changed: asyncio.Event,
    ) -> None:
        self._run = run
        self._inbox = inbox
        self._books = books
        self._notes = notes
        self._options = options
        self._tell = tell
        self._changed = changed
        self._names = Names()
        self._begun: dict[str, _Begun] = {}
        self._left: dict[str, float] = {}
        self._drops_of: dict[_Job, list[_Begun]] = {}
        self._jobs = 0
        self._shards = 0
        self._room = asyncio.Condition()
        self._turns = asyncio.Semaphore(OPEN_AT_ONCE)
        self._doing: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        run.on_end = self._job_ended

    @property
    def is_busy(self) -> bool:
        """Whether drops are under way."""
        return bool(self._begun)

    @property
    def not_new(self) -> frozenset[str]:
        """Identities of the drops that are under way, or left alone for a while."""
        now = time.monotonic()
        self._left = {identity: until for identity, until in self._left.items() if until > now}
        return frozenset(self._begun.keys() | self._left.keys())

    def begin(self, found: Sequence[Found]) -> None:
        """Begins with drops; returns at once."""
        for each in found:
            self._begun[each.identity] = _Begun(each)
        if found:
            self._do(self._take_all_in(found))

    def check(self) -> None:
        """Raises what nobody expected to fail."""
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """Lets go of everything; what money depends on is finished by the run itself."""
        for task in self._doing:
            task.cancel()
        await asyncio.gather(*self._doing, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._doing.add(task)
        task.add_done_callback(self._done_with)

    def _done_with(self, task: asyncio.Task[None]) -> None:
        self._doing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error
            self._changed.set()

    async def _take_all_in(self, found: Sequence[Found]) -> None:
        for start in range(0, len(found), SHARD_SIZE):
            await self._wait_for_room()
            some = found[start : start + SHARD_SIZE]
            taken = await asyncio.gather(*(self._take_in(self._begun[each.identity]) for each in some))
            for shard in await self._shards_of([plan for plans in taken for plan in plans]):
                await self._wait_for_room()
                self._jobs += len(shard)
                self._do(self._edit(shard))

    async def _wait_for_room(self) -> None:
        async with self._room:
            await self._room.wait_for(lambda: self._jobs < AT_ONCE)

    async def _shards_of(self, plans: list[PlannedJob]) -> list[list[PlannedJob]]:
        if not plans:
            return []
        try:
            return await split(self._run, plans)
        except StorageFailed:  # each job finds out by itself what that means for it
            return [plans[start : start + SHARD_SIZE] for start in range(0, len(plans), SHARD_SIZE)]

    async def _take_in(self, begun: _Begun) -> list[PlannedJob]:
        """Returns the plans of a drop; of a refused one none, and that is said and remembered."""
        drop = begun.found.drop
        async with self._turns:
            told = await take_in(self._run, self._inbox, drop, self._names)
        if isinstance(told, Refusal):
            await self._refuse(begun, told)
            return []
        plans = {(plan.name, plan.job_key): plan for plan in told}
        begun.jobs = dict.fromkeys(plans)
        for job in plans:
            self._drops_of.setdefault(job, []).append(begun)
        await asyncio.to_thread(self._notes.remove, drop.note, unless=begun.found.identity)
        return list(plans.values())

    async def _edit(self, plans: list[PlannedJob]) -> None:
        self._shards += 1
        try:
            await edit_shard(plans, self._options, self._shards)
        except Exception as error:
            for plan in plans:
                if (plan.name, plan.job_key) in self._drops_of:
                    await self._job_ended(plan, await report_broken_off(self._run, plan, error))
        finally:
            self._jobs -= len(plans)
            async with self._room:
                self._room.notify_all()

    async def _job_ended(self, plan: PlannedJob, report: JobReport) -> None:
        """Notes that a job has ended, for all drops that ask for it, and closes those that wait for no other."""
        if self._jobs <= SHARD_SIZE:  # more pages would hide each other
            await show_edit(self._run, plan, report)
        if report.state is not JobState.PUBLISHED:
            self._names.free(plan)
        for begun in self._drops_of.pop((plan.name, plan.job_key), []):
            begun.jobs[plan.name, plan.job_key] = report
            reports = [report for report in begun.jobs.values() if report is not None]
            if len(reports) == len(begun.jobs):
                await self._close(begun, reports)

    async def _close(self, begun: _Begun, reports: Sequence[JobReport]) -> None:
        """Remembers how a drop ended; only now, so that a run that is killed before takes it up again."""
        found, unpublished = begun.found, [report for report in reports if report.state is not JobState.PUBLISHED]
        for report in reports:
            if report.state is JobState.PUBLISHED:
                self._tell(report)
        try:
            if unpublished:
                reasons = [await why_not(self._run, report) for report in unpublished]
                held = [report.job_key for report in unpublished if report.state is JobState.HELD and report.job_key]
                refusal = Refusal(most([remedy for remedy, _ in reasons]), [why for _, why in reasons])
                if await asyncio.to_thread(self._remember, found, refusal, held):
                    for report in unpublished:
                        self._tell(report)
            else:
                edits = [
                    Edited(name=report.name, job_key=report.job_key or "", result=report.result) for report in reports
                ]
                done = Done(drop=found.drop.name, at=datetime.now(UTC), edits=edits)
                alone = identities_alone(found.drop, self._inbox.store.url)
                await asyncio.to_thread(self._books.close, [*alone, found.identity], done)
                await asyncio.to_thread(self._notes.remove, found.drop.note)
        except Exception as error:  # it must not break off the shard's other jobs
            self._leave(found, error)
        finally:
            self._forget(begun)

    async def _refuse(self, begun: _Begun, refusal: Refusal) -> None:
        found, first = begun.found, refusal.why[0]
        try:
            is_new = await asyncio.to_thread(self._remember, found, refusal, [])
        except StorageFailed as error:
            self._leave(found, error)
            is_new = True
        if is_new:
            name, provider = found.drop.name, self._run.settings.provider
            message = f"{first.about}: {first.message}; {first.advice}"
            self._run.progress.tell(Step(found.identity, name, Stage.FAILED, message=message))
            self._tell(
                JobReport(
                    name=name,
                    job_key=None,
                    state=JobState.REFUSED,
                    provider=provider,
                    model=DEFAULT_MODELS[provider],
                    cost=UNKNOWN_COST,
                    error=ReportedError(code="Refused", message=f"{first.about}: {first.message}", advice=first.advice),
                )
            )
        self._forget(begun)

    def _remember(self, found: Found, refusal: Refusal, held: Sequence[str]) -> bool:
        """Writes down, for the next look and for people, why a drop has no result; returns whether that is news."""
        before = self._books.trouble_of(found.identity)
        now = trouble(
            found.drop.name,
            refusal.remedy,
            refusal.why,
            before=before,
            now=datetime.now(UTC),
            held=records_of_jobs(self._run.journal.store, held),
            named=found.named,
        )
        self._notes.write(found.drop, found.identity, refusal.remedy, refusal.why)
        self._books.keep(found.identity, now)
        return before is None or before.why != refusal.why

    def _leave(self, found: Found, error: Exception) -> None:
        """Leaves a drop alone for a while whose end could not be written down: the next look would find it new."""
        self._left[found.identity] = time.monotonic() + FIRST_PAUSE_SECONDS
        get_run_logger().warning("how %s ended is not remembered, it is looked at again: %s", found.drop.name, error)

    def _forget(self, begun: _Begun) -> None:
        self._begun.pop(begun.found.identity, None)
        self._changed.set()
