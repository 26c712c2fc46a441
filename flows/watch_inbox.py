"""What is dropped into a folder or bucket becomes edits: list, settle, take in, edit, until nothing new is there."""

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import deployment
from prefect.states import Completed, Failed

from blocks.clients.store import StorageFailed
from flows.edit_video import verdict
from flows.gallery.links import shown
from flows.inbox.books import Books
from flows.inbox.listing import Inbox, open_inbox, refuse_passing_inbox
from flows.inbox.looking import Look, Looker
from flows.inbox.notes import Notes
from flows.inbox.waking import waking
from flows.inbox.working import Work
from flows.rules.settling import Patience
from flows.rules.states import JobState
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.running.stopping import cancellable
from flows.telling.artifacts import BatchPages, renew_gallery
from flows.telling.labels import label_run
from flows.telling.reports import BatchReport, JobReport

#: While drops are under way or still arriving, the inbox is listed at least this often, in real seconds.
BUSY_SECONDS = 5.0
#: Reports a run keeps: one that watches for months forgets the oldest.
KEPT_REPORTS = 5000
#: While it is never idle, the gallery is renewed after so many jobs.
GALLERY_EVERY = 60
#: Names told in the message of a run's final state.
_NAMED = 5


@flow(name="watch-inbox", flow_run_name="inbox", persist_result=False)
@cancellable
async def watch_inbox(
    inbox: str | None = None,
    prompt: str | None = None,
    options: RunOptions | None = None,
    keep_watching: bool = False,
) -> State[BatchReport]:
    """Edits what was dropped into an inbox. Safe to run again at any time, also while another one runs.

    The listing decides what is new, never what woke the run: a drop left in place costs nothing, the same content
    under two names is paid for once, new content under an old name is a new job.

    Args:
        inbox: Path or URL of the folder; default: RECUT_INBOX.
        prompt: Prompt of drops that bring none; default: RECUT_INBOX_PROMPT.
        options: What this run sets for itself; the rest comes from the environment.
        keep_watching: Go on until stopped; otherwise the run ends once nothing new is there and all has ended.

    Returns:
        Completed when all that was new is published, Failed otherwise; either carries the report.

    Raises:
        StorageFailed: The inbox cannot be listed.
        CredentialsMissing: There is no key for the run's provider.
        ValueError: The inbox cannot be used as one.
    """
    options = options or RunOptions()
    async with open_run(options) as run:
        address = inbox or run.settings.inbox
        if deployment.get_id():
            refuse_passing_inbox(address)
        opened = await asyncio.to_thread(open_inbox, address, run.places, prompt or run.settings.inbox_prompt)
        await run.market({run.settings.provider})
        await label_run(run, [], f"inbox: {shown(address)}")
        watch = Watch(run, opened, options, keep_watching=keep_watching)
        report = BatchReport(jobs=await watch.until_idle())
        if report.jobs:
            await BatchPages(run, address).conclude(report, await renew_gallery(run, report.jobs))
    return told(report)


class Watch:
    """Looks into an inbox again and again while what it found is worked on.

    Args:
        run: The run.
        inbox: The inbox.
        options: What the run sets for itself.
        keep_watching: Whether to go on when nothing is left to do.
    """

    def __init__(self, run: Run, inbox: Inbox, options: RunOptions, *, keep_watching: bool) -> None:
        settings = run.settings
        books, notes = Books(run.journal.store), Notes(inbox.store)
        patience = Patience(settings.settle_seconds, settings.inbox_grace_seconds, files_grow=inbox.files_grow)
        self._run = run
        self._inbox = inbox
        self._keep_watching = keep_watching
        self._changed = asyncio.Event()
        self._reports: list[JobReport] = []
        self._since_gallery = 0
        self._is_arriving = False
        self._looker = Looker(inbox, books, notes, run.journal.store, patience)
        self._work = Work(run, inbox, books, notes, options, self._hear, self._changed)

    async def until_idle(self) -> list[JobReport]:
        """Works until nothing new is there and all that was begun has ended; returns what is new.

        Raises:
            StorageFailed: The inbox cannot be listed, at the first look or when only that is left to do.
        """
        async with waking(self._inbox, self._changed):
            try:
                while not await self._is_idle():
                    await self._wait()
            finally:
                await self._work.stop()
        return self._reports

    async def _is_idle(self) -> bool:
        """Looks once and begins with what is new; returns whether nothing is left to do or to wait for."""
        # What changes from here on wakes another look, whether this one sees it or not.
        self._changed.clear()
        was_busy = self._work.is_busy
        try:
            look = await asyncio.to_thread(self._looker.look, self._work.not_new)
        except StorageFailed as error:
            if not was_busy and not self._keep_watching:
                raise
            get_run_logger().warning("%s; it is tried again", error)
            look = Look([], waits=True)
        self._is_arriving = look.waits
        self._work.check()
        self._work.begin(look.found)
        if not self._keep_watching:
            return not was_busy and not look.found and not look.waits
        if self._since_gallery >= (GALLERY_EVERY if self._work.is_busy else 1):
            self._since_gallery = 0
            await renew_gallery(self._run, self._reports)
        return False

    async def _wait(self) -> None:
        seconds = self._run.settings.inbox_seconds
        if self._work.is_busy or self._is_arriving:
            seconds = min(seconds, BUSY_SECONDS)
        if self._is_arriving and self._inbox.files_grow:
            seconds = min(seconds, max(0.1, self._run.settings.settle_seconds / 4))
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _hear(self, report: JobReport) -> None:
        self._reports = [*self._reports[-KEPT_REPORTS:], report]
        self._since_gallery += 1


def told(report: BatchReport) -> State[BatchReport]:
    """Returns the final state of a run, which names the drops that were not edited."""
    if not report.jobs:
        return Completed(message="nothing new was dropped", data=report)
    state = verdict(report)
    bad = [job.name for job in report.jobs if job.state is not JobState.PUBLISHED]
    if not bad:
        return state
    names = ", ".join(bad[:_NAMED]) + (f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else "")
    return Failed(message=f"not edited: {names}; {state.message}", data=report)
