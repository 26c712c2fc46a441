"""How trouble is told to those who look later: in the gallery of later runs, and in the Prefect UI."""

import asyncio

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.sorting import FlowRunSort

from flows.rules.states import JobState
from tests.flows.trouble.desk import Desk, fault, reported


def gallery(desk: Desk) -> str:
    return (desk.results / "gallery.html").read_text()


def test_what_stopped_stays_in_the_gallery_of_later_runs_until_it_is_settled(desk: Desk):
    desk.fault(fault("create", "answer", status=500, when="after", times=1))
    held = desk.edit("make it clay", provider="apiyi")
    desk.fault(fault("create", "answer", status=400, code="DataInspectionFailed", message="no", times=1))
    failed = desk.edit("make it rude")
    assert (held.state, failed.state) == (JobState.HELD, JobState.FAILED)
    desk.edit("make it snow")
    assert held.error is not None and failed.error is not None

    page = gallery(desk)
    assert page.count('<article class="job short"') == 2
    assert f"recut resolve {(held.job_key or '')[:8]} --adopt ID" in page
    assert failed.error.advice in page

    desk.adopt(held, desk.made()[0].provider_task_id)
    desk.edit("make it rain")
    assert "recut sweep" in gallery(desk)
    desk.edit("make it clay", provider="apiyi")
    assert f"recut resolve {(held.job_key or '')[:8]}" not in gallery(desk)
    assert gallery(desk).count('<article class="job short"') == 1


def test_a_job_that_a_sweep_sees_fail_is_shown_with_the_providers_reason(desk: Desk):
    desk.fault(
        fault("create", "fate", ends="failed", code="DataInspectionFailed", nth=[1]),
        fault("create", "answer", status=500, when="after", nth=[1]),
    )
    held = desk.edit("make it clay", provider="apiyi")
    desk.adopt(held, desk.made()[0].provider_task_id)

    from flows.sweep import sweep

    asyncio.run(reported(sweep(desk.run_options(), return_state=True)))
    assert "DataInspectionFailed" in gallery(desk)


async def newest_shard_says() -> str | None:
    async with get_client() as client:
        shards = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["edit-shard"])),
            sort=FlowRunSort.START_TIME_DESC,
            limit=1,
        )
    assert shards[0].state is not None
    return shards[0].state.message


def test_a_shard_says_in_the_prefect_ui_how_its_jobs_ended(desk: Desk):
    desk.fault(
        fault("create", "answer", status=400, code="DataInspectionFailed", message="no", times=1, prompt="make it rude")
    )
    report = desk.batch([desk.job("make it snow"), desk.job("make it rude")])
    assert (report.succeeded, report.failed) == (1, 1)
    assert asyncio.run(newest_shard_says()) == "1 of 2 published, 1 failed, 0 held"
