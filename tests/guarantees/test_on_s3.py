"""The decisive kills and a double start with journal and results on S3; GUARANTEES_ON=s3 runs everything there."""

import pytest

from tests.guarantees.command import Team
from tests.guarantees.evidence import (
    assert_no_part_is_a_result,
    assert_nothing_twice,
    assert_published,
    kinds,
    records_of,
    tasks_of,
)
from tests.guarantees.killing import kill
from tests.guarantees.test_double_starts import assert_two_batches_agree
from tests.guarantees.test_kills import HELD, MOMENTS
from tests.s3 import S3Server

#: Kills between two writes that money or the result depend on.
DECISIVE = [
    moment
    for moment in MOMENTS
    if moment.told in ("after the intent", "answered, not claimed", "claimed, not recorded", "before the final name")
]


@pytest.fixture(scope="module")
def s3(_running_s3: S3Server) -> S3Server:
    return _running_s3


def test_kills_between_two_writes_to_a_bucket_cost_nothing_twice_and_lose_nothing(team: Team):
    jobs = [moment.job(team) for moment in DECISIVE]
    for moment, job in zip(DECISIVE, jobs, strict=True):
        kill(team, moment, "batch", team.manifest(job, name=moment.name))
        left = kinds(records_of(team).get(moment.name, [])), len(tasks_of(team, moment.name))
        assert left == (list(moment.records), moment.made)
    everything = team.manifest(*jobs)
    states = {name: job["state"] for name, job in team.batch(everything).items()}
    assert states == {moment.name: "held" if moment.name in HELD else "published" for moment in DECISIVE}
    for moment in DECISIVE:
        if moment.name in HELD:
            assert team.run("resolve", moment.name, "--recreate").code == 0
    team.batch(everything)
    assert_nothing_twice(team)
    assert_no_part_is_a_result(team)
    for moment in DECISIVE:
        assert len(tasks_of(team, moment.name)) == 1
        assert_published(team, moment.name)


def test_two_batches_at_once_on_one_bucket_pay_for_each_job_once(team: Team):
    assert_two_batches_agree(team)
