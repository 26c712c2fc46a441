"""kill -9 at every boundary of a job's life, then the same command again: paid once, published, nothing half done."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployments.emulator import Emulator
from tests.guarantees.command import Team
from tests.guarantees.evidence import (
    assert_no_part_is_a_result,
    assert_nothing_twice,
    assert_published,
    assert_spend_is_the_bill,
    billed,
    kinds,
    records_of,
    spent,
    tasks_of,
)
from tests.guarantees.killing import Moment, hang, kill

#: All kills belong to the first test's set-up, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(900)

#: A record's folder is opened, to make it durable, right after the record has its name.
WRITTEN = "open *journal/*[0-9a-f]"
INTENT, SUBMITTED = "1 intent", "1 submitted"


MOMENTS = [
    Moment("in the upload", fault={**hang("upload"), "prompt": None}, awaited=("upload", "received", 1), local=True),
    Moment("before the intent", dying=("os.link *-intent.json",), upload=("before", "*-intent.json")),
    Moment("after the intent", (INTENT,), dying=("os.link *-intent.json", WRITTEN), upload=("after", "*-intent.json")),
    Moment("sent, not accepted", (INTENT,), fault=hang("create"), awaited=("create", "received", 1)),
    Moment("accepted, not answered", (INTENT,), 1, fault=hang("create", "after"), awaited=("create", "settled", 1)),
    Moment(
        "answered, not claimed",
        (INTENT,),
        1,
        dying=("os.link *provider-tasks/*",),
        upload=("before", "*/provider-tasks/*"),
    ),
    Moment(
        "claimed, not recorded",
        (INTENT,),
        1,
        dying=("os.link *-submitted.json",),
        upload=("before", "*-submitted.json"),
    ),
    Moment("before the first look", (INTENT, SUBMITTED), 1, fault=hang("get"), awaited=("get", "received", 1)),
    Moment(
        "between looks",
        (INTENT, SUBMITTED),
        1,
        fault={"operation": "get", "does": {"kind": "report", "status": "RUNNING"}},
        awaited=("get", "settled", 2),
    ),
    Moment("before the download", (INTENT, SUBMITTED), 1, fault=hang("result"), awaited=("result", "received", 1)),
    Moment(
        "in the download",
        (INTENT, SUBMITTED),
        1,
        # The first half is there; opening the file again, to go on, is the end.
        fault={"operation": "result", "does": {"kind": "file", "how": "truncated"}, "times": 1},
        dying=("open *-result.mp4", "open *-result.mp4"),
    ),
    Moment("before the final name", (INTENT, SUBMITTED), 1, dying=("os.rename *.mp4",), upload=("before", "*.mp4")),
    Moment(
        "before the sidecar",
        (INTENT, SUBMITTED),
        1,
        dying=("os.rename *.json",),
        upload=("before", "*/results/before-the-sidecar.json"),
    ),
    Moment(
        "before it is settled",
        (INTENT, SUBMITTED),
        1,
        dying=("os.link *-settled.json",),
        upload=("before", "*-settled.json"),
    ),
    Moment(
        "apiyi sent, not accepted", (INTENT,), fault=hang("create"), awaited=("create", "received", 1), provider="apiyi"
    ),
    Moment(
        "apiyi accepted, not answered",
        (INTENT,),
        1,
        fault=hang("create", "after"),
        awaited=("create", "settled", 1),
        provider="apiyi",
    ),
    Moment(
        "apiyi claimed, not recorded",
        (INTENT,),
        1,
        dying=("os.link *-submitted.json",),
        upload=("before", "*-submitted.json"),
        provider="apiyi",
    ),
    Moment(
        "apiyi before the first look",
        (INTENT, SUBMITTED),
        1,
        fault=hang("get"),
        awaited=("get", "received", 1),
        provider="apiyi",
    ),
]
#: Where not even the provider can say what became of the POST: it may have been sent, and no list shows it.
HELD = {"after-the-intent", "sent,-not-accepted", "apiyi-sent,-not-accepted", "apiyi-accepted,-not-answered"}
#: Paid for without anybody knowing: a person who looks into the console leaves it at that.
LOST = "apiyi-accepted,-not-answered"


@dataclass
class Story:
    """What happened to the jobs of all moments: at the kill, at the next run, and after a person's decisions."""

    team: Team
    left: dict[str, tuple[list[str], int]]
    rerun: dict[str, dict[str, Any]]
    end: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def story(
    provider: Emulator, hire: Callable[[Emulator, Path], Team], tmp_path_factory: pytest.TempPathFactory
) -> Story:
    """Kills one run at each moment, runs all jobs again, decides about the held ones, and runs all once more."""
    team = hire(provider, tmp_path_factory.mktemp("kills"))
    jobs = [moment.job(team) for moment in MOMENTS]
    left = {}
    for moment, job in zip(MOMENTS, jobs, strict=True):
        kill(team, moment, "batch", team.manifest(job, name=moment.name))
        left[moment.name] = kinds(records_of(team).get(moment.name, [])), len(tasks_of(team, moment.name))
        assert_no_part_is_a_result(team)
    everything = team.manifest(*jobs)
    rerun = team.batch(everything)
    for name in HELD:
        decided = team.run("resolve", name, "--abandon" if name == LOST else "--recreate")
        assert decided.code == 0, decided.said
    return Story(team, left, rerun, team.batch(everything))


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_a_run_that_is_killed_leaves_exactly_what_was_true(story: Story, moment: Moment):
    assert story.left[moment.name] == (list(moment.records), moment.made)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_a_job_whose_run_was_killed_is_published_or_held_by_the_next(story: Story, moment: Moment):
    job = story.rerun[moment.name]
    if moment.name in HELD:
        assert (job["state"], job["error"]["code"]) == ("held", "OutcomeUnknown")
    else:
        assert (job["state"], job["error"]) == ("published", None)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_a_job_whose_run_was_killed_is_paid_exactly_once(story: Story, moment: Moment):
    assert len(tasks_of(story.team, moment.name)) == 1
    if moment.name != LOST:
        assert_published(story.team, moment.name)
        assert story.end[moment.name]["state"] == "published"


def test_a_lost_create_without_a_list_is_given_up_only_by_a_person(story: Story):
    assert story.rerun[LOST]["state"] == "held"
    assert story.end[LOST]["state"] == "abandoned"


def test_what_was_accepted_but_never_recorded_is_adopted(story: Story):
    adopted = {
        name
        for name, records in records_of(story.team).items()
        if any(record["kind"] == "submitted" and record["adopted"] for record in records)
    }
    assert adopted == {
        "accepted,-not-answered",
        "answered,-not-claimed",
        "claimed,-not-recorded",
        "apiyi-claimed,-not-recorded",
    }


def test_the_journal_replays_to_what_the_last_run_told(story: Story):
    assert story.team.states() == {name: job["state"] for name, job in story.end.items()}


def test_after_all_kills_every_cent_is_accounted_for(story: Story):
    assert_nothing_twice(story.team)
    assert_no_part_is_a_result(story.team)
    assert_spend_is_the_bill(story.team)
    assert spent(story.team) == billed(story.team)
