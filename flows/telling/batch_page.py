"""The pages of a batch in the Prefect UI: how it stands while it runs, and how it ended. Pure."""

import base64
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from flows.rules.states import JobState
from flows.running.progress import Stage
from flows.running.tally import ENDED, Tally
from flows.telling.markdown import escaped, pairs, table
from flows.telling.reports import BatchReport, JobReport, counts
from flows.telling.summary import ended, ends, money, stopwatch
from flows.telling.timeline import drawn_timeline

#: Problems told in full on a page; the table of jobs has them all.
_FIRST_PROBLEMS = 5


def progress_line(tally: Tally, now: float) -> str:
    """Returns how a batch stands, in one line of plain text."""
    parts = [ended(tally), ends(tally, now), f"{money(tally.spent())} done and under way"]
    if tally.ended() < len(tally.jobs):
        parts.append(f"{money(tally.to_come())} to come")
    return " · ".join(part for part in parts if part)


def page_under_way(manifest: str, tally: Tally, now: float) -> str:
    """Returns the page of a batch that runs, as Markdown."""
    counts = tally.counts()
    stages = [stage for stage in Stage if stage not in ENDED]
    slots = [("Slots", f"{held} of {lane.slots} in use, {escaped(lane.name)}") for lane, held in tally.lanes()]
    return "\n".join(
        [
            _title(manifest),
            "",
            f"**{escaped(' · '.join(part for part in (ended(tally), ends(tally, now)) if part))}**",
            *table([str(stage) for stage in stages], [str(counts[stage]) for stage in stages]),
            *pairs(
                [
                    ("Done and under way", escaped(money(tally.spent()))),
                    ("To come", escaped(money(tally.to_come()))),
                    ("Since", escaped(stopwatch(now))),
                    *slots,
                ]
            ),
            *_told("Problems", tally.problems, tally.problems[-_FIRST_PROBLEMS:], "the latest"),
        ]
    )


def page_of_the_end(manifest: str, report: BatchReport, gallery: str | None, tally: Tally, now: float) -> str:
    """Returns the page of a batch that is over, as Markdown.

    Args:
        manifest: Path or URL of the manifest, as anyone may read it.
        report: How its jobs stand.
        gallery: Where the gallery is, as Markdown, if one was written.
        tally: What the steps added up to.
        now: How long it took, in seconds.
    """
    odd = [(job.name, "; ".join(job.notes)) for job in report.jobs if job.notes]
    problems = [(job.name, f"{job.error.message}. {job.error.advice}") for job in report.jobs if job.error]
    return "\n".join(
        [
            _title(manifest),
            "",
            f"**{escaped(counts(report))}**",
            *pairs(
                [
                    *([("Gallery", gallery)] if gallery else []),
                    ("Cost of what is published", escaped(money(report.cost()))),
                    ("Provider tasks created by this run", str(report.created)),
                    ("Took", escaped(stopwatch(now))),
                ]
            ),
            *_told("Problems", problems, problems[:_FIRST_PROBLEMS], "the first"),
            *_told("Worth a look", odd, odd[:_FIRST_PROBLEMS], "the first"),
            *_timeline(tally, now),
        ]
    )


def row(job: JobReport) -> dict[str, Any]:
    """Returns a job's row in the table of jobs. The failed have no cost to tell: their reason says what is billed."""
    return {
        "name": job.name,
        "state": job.state.value,
        "model": job.model,
        "provider": job.provider.value,
        "provider task": job.provider_task_id or "",
        "cost": str(job.cost) if job.state is JobState.PUBLISHED else "",
        "waited": _seconds(job, Stage.WAITING),
        "at the provider": _seconds(job, Stage.PENDING, Stage.RUNNING),
        "result": job.result or "",
        "worth a look": "; ".join(job.notes),
        "error": f"{job.error.message}. {job.error.advice}" if job.error else "",
    }


def _seconds(job: JobReport, *stages: Stage) -> str:
    seconds = sum(job.seconds.get(stage, 0) for stage in stages)
    return f"{seconds:.1f} s" if seconds else ""


def _title(manifest: str) -> str:
    return f"# {escaped(PurePosixPath(manifest).name)}"


def _told(heading: str, said: Sequence[tuple[str, str]], some: Sequence[tuple[str, str]], which: str) -> list[str]:
    if not said:
        return []
    lines = [f"- **{escaped(name)}**: {escaped(message)}" for name, message in some]
    if len(some) < len(said):
        heading = f"{heading}: {which} {len(some)} of {len(said)}"
    return ["", f"## {heading}", "", *lines]


def _timeline(tally: Tally, now: float) -> list[str]:
    if not tally.uses:
        return []
    picture = base64.b64encode(drawn_timeline(tally.uses, now)).decode()
    return [
        "",
        "## Who held a slot when",
        "",
        "Amber: fetched. Red: failed. Yellow: held. A gap in a row is a slot that nobody used.",
        "",
        f"![A row per slot, a bar per job](data:image/png;base64,{picture})",
    ]
