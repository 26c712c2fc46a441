"""What the stages log, found by the ids a person has at hand."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from prefect import flow

from deployments.emulator import Answer, Fault
from flows.edit_batch import validate_all
from flows.edit_video import edit_and_report
from flows.rules.job import EditJob
from flows.rules.manifest import Row
from flows.running.log import job_log
from flows.running.run import open_run
from flows.running.settings import RunOptions
from flows.telling.reports import JobReport


@pytest.fixture
def lines(caplog, monkeypatch) -> Callable[[], list[logging.LogRecord]]:
    """Returns what was logged about jobs so far."""
    monkeypatch.setattr(logging.getLogger("prefect"), "propagate", True)
    caplog.set_level(logging.INFO)
    return lambda: [line for line in caplog.records if hasattr(line, "job_key")]


def edited(job: EditJob) -> JobReport:
    @flow
    async def editing() -> JobReport:
        async with open_run(RunOptions()) as run:
            (plan,) = await validate_all(run, [Row(1, None, job)])
            return await edit_and_report(run, plan)

    return asyncio.run(editing())


def test_every_line_of_a_stage_is_found_by_the_job_and_by_the_provider_task(prefect, providers, media, lines):
    report = edited(EditJob(video=str(media.clip), prompt="Make it night", name="night"))
    of_the_job = lines()
    for line in of_the_job:
        assert line.job_key == report.job_key
        assert f"job_key={report.job_key}" in line.getMessage()
    said = [line.getMessage().split(" [")[0] for line in of_the_job]
    assert said[0] == "night: the provider can fetch its media"
    assert said[1].startswith("night: created at dashscope, about ")
    assert f"night: published as {report.result}, {report.cost}" in said
    of_the_task = [line for line in of_the_job if f"provider_task_id={report.provider_task_id}" in line.getMessage()]
    assert len(of_the_task) == len(of_the_job) - 1
    assert all(line.request_id and f"request_id={line.request_id}" in line.getMessage() for line in of_the_task)


def test_a_refusal_is_logged_with_the_request_and_what_it_costs(prefect, providers, media, lines):
    providers.set_faults(
        [Fault(operation="create", does=Answer(status=400, code="InvalidParameter", message="no\x1b[2J"))]
    )
    edited(EditJob(video=str(media.clip), prompt="Make it night", name="night"))
    (line,) = [line for line in lines() if "refused" in line.getMessage()]
    assert line.levelno == logging.WARNING
    assert line.getMessage().startswith("night: the create was refused, nothing is billed: InvalidParameter")
    assert line.request_id
    assert "\x1b" not in line.getMessage()


def test_a_line_says_percent_signs_as_they_are(prefect, lines):
    @flow
    async def logging_one() -> None:
        job_log("key", "100%s\x1b[2J\nname").info("at 50%%, %s", "100% sure")
        job_log("key", "name").info("at 50%")

    asyncio.run(logging_one())
    said = [line.getMessage() for line in lines()]
    assert said == ["100%s [2J name: at 50%, 100% sure [job_key=key]", "name: at 50% [job_key=key]"]
