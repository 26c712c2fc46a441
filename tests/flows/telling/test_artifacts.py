"""What a run leaves in the Prefect UI, looked up on a real Prefect server."""

import asyncio
import base64
import html
import io
import logging
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from markdown_it import MarkdownIt
from PIL import Image
from prefect import flow, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.edit_batch import validate_all
from flows.edit_video import edit_and_report
from flows.planning.plan import PlannedJob
from flows.rules.budget import Cost
from flows.rules.job import EditJob
from flows.rules.manifest import Row
from flows.rules.states import JobState
from flows.running.progress import Stage, Step
from flows.running.run import Run, open_run
from flows.running.settings import RunOptions
from flows.telling.artifacts import BatchPages, renew_gallery, show_edit
from flows.telling.reports import BatchReport, JobReport, ReportedError
from tests.recorder import Asked, Reply

PROMPT = "Claymation | <b>*bold*</b> [here](javascript:alert(1))\n# not a heading\n1. not a list"
REASON = ReportedError(
    code="OutcomeUnknown", message="the create got <no> *usable* answer", advice="decide with recut resolve"
)
RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

Show = Callable[[Run, PlannedJob], Awaitable[Any]]


def shown_in_a_flow(job: EditJob, show: Show) -> str | None:
    """Shows something of a planned job in a flow, and returns the id of the flow run."""

    @flow
    async def showing() -> str | None:
        async with open_run(RunOptions()) as run:
            (plan,) = await validate_all(run, [Row(1, None, job)])
            await show(run, plan)
        return flow_run.get_id()

    return asyncio.run(showing())


def left_by(job: EditJob, show: Show) -> list[Artifact]:
    """Shows something of a planned job in a flow, and returns the artifacts that the flow run has then."""
    return asyncio.run(artifacts_of(shown_in_a_flow(job, show)))


async def artifacts_of(flow_run_id: str | None) -> list[Artifact]:
    chosen = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]))
    async with get_client() as client:
        return await client.read_artifacts(artifact_filter=chosen)


def report_of(plan: PlannedJob, **changes: Any) -> JobReport:
    report = JobReport(
        name=plan.name,
        job_key=plan.job_key,
        state=JobState.HELD,
        provider=plan.provider,
        model=plan.model,
        provider_task_id="provider-task-7",
        cost=plan.cost,
        error=REASON,
    )
    return report.model_copy(update=changes)


def text_of(markdown: str) -> str:
    """Returns what a person reads."""
    return html.unescape(re.sub(r"<[^>]+>", "", RENDERER.render(markdown)))


@pytest.fixture
def job(prefect, providers, media) -> EditJob:
    return EditJob(video=str(media.clip), prompt=PROMPT, reference_images=(str(media.picture),), name="Über _Clay_ 7")


def test_an_edit_leaves_a_page_with_both_pictures_and_everything_about_it(job):
    reports = []

    async def show(run: Run, plan: PlannedJob) -> None:
        reports.append(await edit_and_report(run, plan))
        await show_edit(run, plan, reports[0])

    (page,) = left_by(job.model_copy(update={"name": "Night, take #2"}), show)
    (report,) = reports
    assert report.state is JobState.PUBLISHED
    assert page.key == "edit-night-take-2"
    assert "published" in page.description
    picture = re.search(r"\(data:image/jpeg;base64,([^)]+)\)", page.data)
    assert picture is not None
    content = base64.b64decode(picture[1])
    assert len(content) <= 60_000
    assert Image.open(io.BytesIO(content)).width == 960
    read = text_of(page.data)
    for said in (
        *PROMPT.splitlines(),
        report.result,
        report.sidecar,
        report.provider_task_id,
        str(report.cost),
        job.video,
        *job.reference_images,
        "1080P",
        "UTC",
    ):
        assert said in read
    assert "<b>" not in RENDERER.render(page.data)


def test_a_stopped_edit_leaves_a_page_with_reason_and_advice(job):
    (page,) = left_by(job, lambda run, plan: show_edit(run, plan, report_of(plan)))
    assert page.key == "edit-ber-clay-7"
    assert "held" in page.description
    read = text_of(page.data)
    for said in (REASON.message, REASON.advice, REASON.code, "provider-task-7", *PROMPT.splitlines()):
        assert said in read
    assert "<b>" not in RENDERER.render(page.data)


def test_a_name_that_no_key_can_hold_gives_way_to_the_job_key(job):
    job = job.model_copy(update={"name": "夜の港"})
    keys = []

    async def show(run: Run, plan: PlannedJob) -> None:
        keys.append(plan.job_key)
        await show_edit(run, plan, report_of(plan))

    (page,) = left_by(job, show)
    assert page.key == f"edit-{keys[0][:8]}"


def test_a_batch_leaves_a_table_of_its_jobs_and_a_summary(job):
    async def show(run: Run, plan: PlannedJob) -> None:
        billed = Cost(amount=Decimal("7.7429"), currency="CNY", estimated=False)
        fine = {"state": JobState.PUBLISHED, "error": None, "cost": billed, "result": "s3://b/fine.mp4"}
        fine["notes"] = ["it is black from 2.0 s to 4.0 s"]
        jobs = [report_of(plan, name="fine", **fine), *(report_of(plan, name=f"held {n}") for n in range(7))]
        pages = BatchPages(run, "s3://bucket/Jobs of *May*.csv?token=x")
        await pages.conclude(BatchReport(jobs=jobs), "there")

    pages = {page.key: page for page in left_by(job, show)}
    assert set(pages) == {"batch-jobs-of-may", "batch-jobs-of-may-jobs", "batch-jobs-of-may-progress"}
    assert all("1 of 8 published, 0 failed, 7 held" in page.description for page in pages.values())
    assert not any("token" in page.description for page in pages.values())
    read = text_of(pages["batch-jobs-of-may"].data)
    for said in (
        "7.7429 CNY",
        "results/gallery.html",
        REASON.message,
        REASON.advice,
        "held 4",
        "the first 5 of 7",
        "it is black",
    ):
        assert said in read
    assert "held 5" not in read
    table = pages["batch-jobs-of-may-jobs"].data
    for said in (
        "fine",
        "7.7429 CNY",
        "s3://b/fine.mp4",
        "held 6",
        "it is black from",
        "provider-task-7",
        "decide with recut resolve",
    ):
        assert said in table


def test_a_batch_that_runs_has_pages_that_tell_how_it_stands(job):
    """The pages are looked at while the batch runs: they are there before anything else happens."""
    told = []

    async def show(run: Run, plan: PlannedJob) -> None:
        pages = BatchPages(run, "jobs.csv")
        lane = await run.lane(plan.provider, plan.model)
        async with pages.kept_up_to_date():
            for number in range(4):
                run.progress.tell(Step(f"{number}", f"job {number}", Stage.PLANNED, plan.cost, lane=lane))
            run.progress.tell(Step("0", "job 0", Stage.CREATING))
            run.progress.tell(Step("0", "job 0", Stage.DONE))
            run.progress.tell(Step("1", "job 1", Stage.RUNNING))
            run.progress.tell(Step("2", "job 2", Stage.HELD, message="the create got <no> *answer*"))
            while len(told) < 2:
                told[:] = await artifacts_of(flow_run.get_id())
        await pages.conclude(BatchReport(jobs=[report_of(plan)]), None)

    after = {page.key: page for page in left_by(job, show)}
    under_way = {page.key: page for page in told}
    assert set(under_way) == {"batch-jobs", "batch-jobs-progress"}
    assert under_way["batch-jobs-progress"].data == 50
    line = text_of(under_way["batch-jobs-progress"].description)
    for said in ("1 of 4 published · 1 held · ends in about", "CNY done and under way", "CNY to come"):
        assert said in line
    page = text_of(under_way["batch-jobs"].data)
    for said in ("jobs.csv", "1 of 4 published", "1 of 7 in use", "job 2: the create got <no> *answer*"):
        assert said in page
    assert after["batch-jobs-progress"].data == 100
    assert {page.id for page in under_way.values()} < {page.id for page in after.values()}
    assert "## Who held a slot when" in after["batch-jobs"].data
    assert "(data:image/png;base64," in after["batch-jobs"].data


def test_results_on_storage_that_signs_are_linked(job, bucket, monkeypatch):
    monkeypatch.setenv("RECUT_RESULTS", f"{bucket}/results")
    monkeypatch.setenv("RECUT_STAGING", f"{bucket}/staging")

    async def show(run: Run, plan: PlannedJob) -> None:
        await show_edit(run, plan, await edit_and_report(run, plan))

    (page,) = left_by(job, show)
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', RENDERER.render(page.data))
    assert [text for _, text in links] == [f"{job.name}.mp4", f"{job.name}.json", f"{job.name}.jpg"]
    for link, _ in links:
        assert httpx.get(html.unescape(link)).status_code == 200


def test_the_gallery_shows_the_jobs_that_stopped(job):
    written = []

    async def show(run: Run, plan: PlannedJob) -> None:
        address = await renew_gallery(run, [report_of(plan)])
        written.append((address, run.results.read("gallery.html").decode()))

    assert left_by(job, show) == []
    ((address, page),) = written
    assert address.endswith("results/gallery.html")
    assert html.escape(REASON.advice) in page


@pytest.fixture
def warnings(caplog, monkeypatch) -> Callable[[], list[str]]:
    monkeypatch.setattr(logging.getLogger("prefect"), "propagate", True)
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name == "prefect.flow_runs" and record.levelno == logging.WARNING
    ]


def test_a_server_that_fails_at_artifacts_fails_no_edit(job, prefect, recorder, warnings):
    def all_but_artifacts(asked: Asked) -> Reply:
        if asked.path.startswith("/artifacts/"):
            return Reply(500, b"disk full")
        kept = {name: asked.headers[name] for name in ("content-type", "accept") if name in asked.headers}
        answer = httpx.request(asked.method, f"{prefect}{asked.path}", content=asked.body, headers=kept)
        return Reply(answer.status_code, answer.content, {"Content-Type": "application/json"})

    async def show(run: Run, plan: PlannedJob) -> None:
        await show_edit(run, plan, report_of(plan))
        await BatchPages(run, "jobs.csv").conclude(BatchReport(jobs=[report_of(plan)]), None)

    recorder.reply = all_but_artifacts
    with temporary_settings({PREFECT_API_URL: recorder.url}):
        shown_in_a_flow(job, show)
    assert any(asked.path.startswith("/artifacts/") for asked in recorder.asked)
    assert len(warnings()) == 2
    assert all("the edits themselves are not touched" in said for said in warnings())


def test_a_sidecar_that_cannot_be_read_fails_no_edit(job, warnings):
    async def show(run: Run, plan: PlannedJob) -> None:
        address = run.results.address
        there = {"state": JobState.PUBLISHED, "error": None, "result": address("x.mp4"), "sidecar": address("x.json")}
        await show_edit(run, plan, report_of(plan, **there))

    assert left_by(job, show) == []
    assert len(warnings()) == 1


def test_a_gallery_that_cannot_be_written_fails_no_edit(job, warnings):
    addresses = []

    async def show(run: Run, plan: PlannedJob) -> None:
        run.results.local_root.joinpath("gallery.html").mkdir()
        addresses.append(await renew_gallery(run, []))

    shown_in_a_flow(job, show)
    assert addresses == [None]
    assert len(warnings()) == 1
