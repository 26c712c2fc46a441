"""What a run leaves for people to look at: the gallery, and in the Prefect UI a page per edit and pages of a batch.

Nothing here may fail a run: by then the edits are paid for, and no page about them is worth losing one.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from uuid import UUID

from prefect import get_client
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.logging import get_run_logger

from flows.gallery import read_results, write_gallery
from flows.gallery.links import shown
from flows.planning.plan import PlannedJob
from flows.running.run import Run
from flows.telling.batch_page import page_of_the_end, page_under_way, progress_line, row
from flows.telling.edit_page import address_of, edit_page
from flows.telling.following import Following
from flows.telling.left import left_without_result
from flows.telling.markdown import escaped
from flows.telling.reports import BatchReport, JobReport, counts

#: Real seconds after which an artifact is given up: a run must not wait for a server that does not answer.
_PATIENCE = 30
#: Real seconds between two looks of the Prefect UI's pages at a batch that runs.
_RENEWED_SECONDS = 5.0


async def renew_gallery(run: Run, jobs: Sequence[JobReport]) -> str | None:
    """Brings the gallery up to date and returns its address, or None when it could not be written.

    Args:
        run: The run.
        jobs: What the run reports. Those that say why they have no result are shown, and so are all others that the
            journal knows of.
    """
    async with _harmless("the gallery"):
        results = await asyncio.to_thread(read_results, run.results)
        stopped = [job for job in jobs if job.error is not None]
        async with _harmless("the gallery's list of what earlier runs left without a result"):
            told = {job.job_key for job in stopped if job.job_key is not None}
            stopped += await left_without_result(run, results.job_keys | told)
        return await asyncio.to_thread(write_gallery, run.results, stopped, results)
    return None


async def show_edit(run: Run, plan: PlannedJob, report: JobReport) -> None:
    """Shows how an edit ended, with before and after in one picture where there is a result.

    Args:
        run: The run.
        plan: The job.
        report: How it stands.
    """
    async with _harmless(f"the page of {plan.name} in the Prefect UI", _PATIENCE):
        page = await asyncio.to_thread(edit_page, run, plan, report)
        description = f"{escaped(plan.name)}: {report.state}, {report.cost}"
        key = f"edit-{_slug(plan.name) or (plan.job_key or '')[:8]}"
        await acreate_markdown_artifact(page, key=key, description=description)


class BatchPages:
    """The pages of one batch in the Prefect UI: how far it is, how it stands, and in the end all its jobs.

    Args:
        run: The run.
        manifest: Path or URL of the manifest.
    """

    def __init__(self, run: Run, manifest: str) -> None:
        self._run = run
        self._manifest = shown(manifest)
        slug = _slug(PurePosixPath(self._manifest).stem)
        self._key = f"batch-{slug}" if slug else "batch"
        self._following = Following()
        self._progress: UUID | None = None
        self._page: UUID | None = None
        self._told = ""

    @asynccontextmanager
    async def kept_up_to_date(self) -> AsyncIterator[None]:
        """Renews the pages every few seconds as long as the context lasts, however many jobs go on meanwhile."""
        with self._run.progress.followed_by(self._following.see):
            renewing = asyncio.create_task(self._keep_renewing())
            try:
                yield
            finally:
                renewing.cancel()
                await asyncio.wait([renewing])

    async def conclude(self, report: BatchReport, gallery: str | None) -> None:
        """Shows how the batch ended.

        Args:
            report: How its jobs stand.
            gallery: Address of the gallery, if one was written.
        """
        async with _harmless(f"the page of {self._manifest} in the Prefect UI", _PATIENCE):
            page = await asyncio.to_thread(self._last_page, report, gallery)
            description = f"{escaped(self._manifest)}: {counts(report)}"
            await self._write(page, description)
            await self._tell_progress(100, description)
            rows = [row(job) for job in report.jobs]
            await acreate_table_artifact(rows, key=f"{self._key}-jobs", description=description)

    def _last_page(self, report: BatchReport, gallery: str | None) -> str:
        where = address_of(self._run.results, "gallery.html") if gallery else None
        with self._following.at_rest() as tally:
            return page_of_the_end(self._manifest, report, where, tally, self._following.now())

    async def _keep_renewing(self) -> None:
        while True:
            async with _harmless(f"the page of {self._manifest} in the Prefect UI"):
                await self._renew()
            await asyncio.sleep(_RENEWED_SECONDS)

    async def _renew(self) -> None:
        with self._following.at_rest() as tally:
            now, jobs = self._following.now(), len(tally.jobs)
            line = escaped(progress_line(tally, now))
            page = page_under_way(self._manifest, tally, now)
            share = 100 * tally.ended() / jobs if jobs else 0.0
        async with asyncio.timeout(_PATIENCE):
            if line != self._told:
                await self._tell_progress(share, line)
                self._told = line
            await self._write(page, line)

    async def _tell_progress(self, share: float, description: str) -> None:
        if self._progress is None:
            self._progress = await acreate_progress_artifact(share, f"{self._key}-progress", description)
        else:
            await aupdate_progress_artifact(self._progress, share, description)

    async def _write(self, page: str, description: str) -> None:
        if self._page is None:
            self._page = await acreate_markdown_artifact(page, key=self._key, description=description)
            return
        async with get_client() as client:
            await client.update_artifact(self._page, ArtifactUpdate(data=page, description=description))


@asynccontextmanager
async def _harmless(missing: str, patience: float | None = None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(patience):
            yield
    except Exception as error:
        get_run_logger().warning(
            "%s could not be made (%s: %s); the edits themselves are not touched by that",
            missing,
            type(error).__name__,
            error,
        )


def _slug(name: str) -> str:
    """Returns a name as Prefect wants keys: lower case, digits, single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100].strip("-")
