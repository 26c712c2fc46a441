"""The page of one edit in the Prefect UI: before and after, what was asked, what it cost and took, where it is."""

import base64
from collections.abc import Sequence
from pathlib import Path

from blocks.clients.store import StorageFailed, Store
from flows.gallery import told, words
from flows.gallery.links import shown
from flows.media import UnreadableMedia, before_after
from flows.planning.plan import PlannedJob
from flows.planning.sources import MediumUnavailable, open_medium
from flows.rules.sidecar import Sidecar
from flows.rules.states import JobState
from flows.running.run import Run
from flows.telling.markdown import escaped, linked, pairs, quoted
from flows.telling.reports import JobReport

#: Signed links on a page work this long, in seconds: the longest that S3 grants.
LINKS_SECONDS = 7 * 24 * 3600


def edit_page(run: Run, plan: PlannedJob, report: JobReport) -> str:
    """Returns the page of an edit that is over, as Markdown.

    Raises:
        StorageFailed: The sidecar of a published one cannot be read.
        ValueError: It is no sidecar.
    """
    lines = _published(run, plan, report) if report.state is JobState.PUBLISHED else _stopped(plan, report)
    return "\n".join(lines)


def _published(run: Run, plan: PlannedJob, report: JobReport) -> list[str]:
    assert report.result is not None and report.sidecar is not None
    name = report.sidecar.removeprefix(run.results.address("")).removesuffix(".json")
    card = Sidecar.model_validate_json(run.results.read(f"{name}.json"))
    picture = _picture(run, plan, report.result)
    sheet = [("Contact sheet", address_of(run.results, f"{name}.jpg"))] if card.contact_sheet else []
    return [
        f"# {escaped(plan.name)}",
        *(["", f"![The clip before, the result after]({picture})"] if picture else []),
        *quoted(card.prompt),
        *_notes(card.notes),
        *pairs(
            [
                ("Result", address_of(run.results, f"{name}.mp4")),
                ("Sidecar", address_of(run.results, f"{name}.json")),
                *sheet,
                *_escaped([*told.facts(card), ("Format", told.edge(card.result)), *_took(report)]),
            ]
        ),
        *_grouped(card),
    ]


def address_of(store: Store, name: str) -> str:
    """Returns where a file is: a link that works for a week where the storage signs, the plain address elsewhere."""
    try:
        return linked(name, store.sign(name, LINKS_SECONDS))
    except StorageFailed:
        return escaped(store.address(name))


def _notes(notes: Sequence[str]) -> list[str]:
    return ["**Worth a look:**", "", *(f"- {escaped(note)}" for note in notes)] if notes else []


def _grouped(card: Sidecar) -> list[str]:
    return [line for heading, rows in told.provenance(card) for line in ("", f"## {heading}", *pairs(_escaped(rows)))]


def _took(report: JobReport) -> list[tuple[str, str]]:
    """How long the stages took, where this run did any of it."""
    parts = [f"{stage} {words.length(seconds)}" for stage, seconds in report.seconds.items() if seconds >= 0.05]
    return [("This run", ", ".join(parts))] if parts else []


def _stopped(plan: PlannedJob, report: JobReport) -> list[str]:
    assert plan.job is not None and report.error is not None
    rows = [
        ("Code", report.error.code),
        ("Model", f"{plan.model} on {plan.provider}, {plan.region}"),
        *([("Provider task", report.provider_task_id)] if report.provider_task_id else []),
        ("Estimate", str(plan.cost)),
        *_took(report),
        ("Clip", shown(plan.job.video)),
        *(("Reference image", shown(image)) for image in plan.job.reference_images),
        *words.pairs(plan.parameters),
        ("Take", str(plan.job.take)),
        ("Job key", plan.job_key or ""),
    ]
    return [
        f"# {escaped(plan.name)}: {report.state}",
        "",
        f"**What happened:** {escaped(report.error.message)}",
        "",
        f"**What to do:** {escaped(report.error.advice)}",
        *quoted(plan.job.prompt),
        *pairs(_escaped(rows)),
    ]


def _escaped(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(label, escaped(said)) for label, said in rows]


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
