"""What a run leaves for people to look at: the gallery, and in the Prefect UI a page per single edit or batch.

Nothing here may fail a run: by then the edits are paid for, and no page about them is worth losing one.
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.logging import get_run_logger

from flows.gallery import told, words, write_gallery
from flows.gallery.links import shown
from flows.media import UnreadableMedia, before_after
from flows.planning.plan import PlannedJob
from flows.planning.sources import MediumUnavailable, open_medium
from flows.rules.sidecar import Sidecar
from flows.rules.states import JobState
from flows.running.run import Run
from flows.telling.reports import BatchReport, JobReport

#: Real seconds after which an artifact is given up: a run must not wait for a server that does not answer.
_PATIENCE = 30
#: Problems told in full in a batch's summary; the table has them all.
_FIRST_PROBLEMS = 5
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: What Markdown reads as more than itself: anywhere, and at the beginning of a line.
_MARKS = re.compile(r"[!#&()*.<>\[\\\]_`{|}~]|^[-+=]")


async def renew_gallery(run: Run, jobs: Sequence[JobReport]) -> str | None:
    """Brings the gallery up to date and returns its address, or None when it could not be written.

    Args:
        run: The run.
        jobs: What the run reports; those without a result are shown with reason and advice.
    """
    async with _harmless("the gallery"):
        return await asyncio.to_thread(write_gallery, run.results, jobs)
    return None


async def show_edit(run: Run, plan: PlannedJob, report: JobReport) -> None:
    """Shows how a single edit ended, with before and after in one picture where there is a result.

    Args:
        run: The run.
        plan: The job.
        report: How it stands.
    """
    async with _harmless(f"the page of {plan.name} in the Prefect UI", _PATIENCE):
        if report.state is JobState.PUBLISHED:
            lines = await asyncio.to_thread(_published, run, plan, report)
        else:
            lines = _stopped(plan, report)
        description = f"{escaped(plan.name)}: {report.state}, {report.cost}"
        key = f"edit-{_slug(plan.name) or (plan.job_key or '')[:8]}"
        await acreate_markdown_artifact("\n".join(lines), key=key, description=description)


async def show_batch(manifest: str, report: BatchReport, gallery: str | None) -> None:
    """Shows how a batch ended: a table of all jobs, and a summary with the first problems.

    Args:
        manifest: Path or URL of the manifest.
        report: How its jobs stand.
        gallery: Address of the gallery, if one was written.
    """
    manifest = shown(manifest)
    slug = _slug(PurePosixPath(manifest).stem)
    key = f"batch-{slug}" if slug else "batch"
    description = f"{escaped(manifest)}: {_counts(report)}"
    async with _harmless(f"the page of {manifest} in the Prefect UI", _PATIENCE):
        await acreate_markdown_artifact(
            "\n".join(_summary(manifest, report, gallery)), key=key, description=description
        )
        await acreate_table_artifact([_row(job) for job in report.jobs], key=f"{key}-jobs", description=description)


def escaped(text: str) -> str:
    """Returns text as one line of Markdown that reads the same: no mark-up, no HTML, no links with other words."""
    line = " ".join(text.split())
    return _MARKS.sub(lambda mark: _ENTITIES.get(mark[0], f"\\{mark[0]}"), line)


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


def _published(run: Run, plan: PlannedJob, report: JobReport) -> list[str]:
    assert report.result is not None and report.sidecar is not None
    card = Sidecar.model_validate_json(run.results.read(report.sidecar.removeprefix(run.results.address(""))))
    picture = _picture(run, plan, report.result)
    return [
        f"# {escaped(plan.name)}",
        *(["", f"![The clip before, the result after]({picture})"] if picture else []),
        *_quoted(card.prompt),
        *(f"- {escaped(note)}" for note in card.notes),
        *_table(
            [
                *told.facts(card),
                ("Result", report.result),
                ("Format", told.edge(card.result)),
                ("Sidecar", report.sidecar),
            ]
        ),
        *(line for heading, lines in told.provenance(card) for line in ("", f"## {heading}", *_table(lines))),
    ]


def _stopped(plan: PlannedJob, report: JobReport) -> list[str]:
    assert plan.job is not None and report.error is not None
    return [
        f"# {escaped(plan.name)}: {report.state}",
        "",
        f"**What happened:** {escaped(report.error.message)}",
        "",
        f"**What to do:** {escaped(report.error.advice)}",
        *_quoted(plan.job.prompt),
        *_table(
            [
                ("Code", report.error.code),
                ("Model", f"{plan.model} on {plan.provider}, {plan.region}"),
                *([("Provider task", report.provider_task_id)] if report.provider_task_id else []),
                ("Estimate", str(plan.cost)),
                ("Clip", shown(plan.job.video)),
                *(("Reference image", shown(image)) for image in plan.job.reference_images),
                *words.pairs(plan.parameters),
                ("Take", str(plan.job.take)),
                ("Job key", plan.job_key or ""),
            ]
        ),
    ]


def _quoted(prompt: str) -> list[str]:
    """A backslash at the end of a line keeps the prompt's own lines apart."""
    lines = [escaped(line) for line in prompt.splitlines() if line.strip()]
    return ["", "\\\n".join(f"> {line}" for line in lines), ""] if lines else [""]


def _table(rows: Iterable[told.Line]) -> list[str]:
    return ["", "| | |", "|---|---|", *(f"| {escaped(label)} | {escaped(text)} |" for label, text in rows)]


def _picture(run: Run, plan: PlannedJob, result: str) -> str | None:
    """Returns before and after as a data URL, where the result is on this machine and the clip can be read."""
    assert plan.job is not None and plan.job_key is not None
    after = run.scratch_file(plan.job_key, "result.mp4")
    if not after.exists():
        after = Path(result)
    try:
        with open_medium(plan.job.video, run.places.known) as before:
            picture = before_after(before.stream, after)
    except (MediumUnavailable, UnreadableMedia, OSError, ValueError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"


def _summary(manifest: str, report: BatchReport, gallery: str | None) -> list[str]:
    problems = [job for job in report.jobs if job.error is not None]
    more = len(problems) - _FIRST_PROBLEMS
    return [
        f"# {escaped(PurePosixPath(manifest).name)}",
        "",
        _counts(report),
        *_table(
            [
                ("Cost", " + ".join(str(cost) for cost in report.cost())),
                ("Provider tasks created by this run", str(report.created)),
                *([("Gallery", gallery)] if gallery else []),
            ]
        ),
        *(["", "## Problems", ""] if problems else []),
        *(
            f"- **{escaped(job.name)}** ({job.state}): {escaped(job.error.message)}. {escaped(job.error.advice)}"
            for job in problems[:_FIRST_PROBLEMS]
            if job.error
        ),
        *(["", f"{more} more in the table of jobs."] if more > 0 else []),
    ]


def _counts(report: BatchReport) -> str:
    return f"{report.succeeded} of {len(report.jobs)} published, {report.failed} failed, {report.held} held"


def _row(job: JobReport) -> dict[str, Any]:
    """The failed have no cost to tell: their reason says what is billed."""
    return {
        "name": job.name,
        "state": job.state.value,
        "model": job.model,
        "provider": job.provider.value,
        "provider task": job.provider_task_id or "",
        "cost": str(job.cost) if job.state is JobState.PUBLISHED else "",
        "result": job.result or "",
        "error": f"{job.error.message}. {job.error.advice}" if job.error else "",
    }


def _slug(name: str) -> str:
    """Returns a name as Prefect wants keys: lower case, digits, single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100].strip("-")
