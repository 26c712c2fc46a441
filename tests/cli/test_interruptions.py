"""A batch that is stopped, killed, doubled or in part refused: the next one finishes it, and nothing is paid twice."""

import signal

import pytest

from deployments.emulator import Answer, Emulator, Fate, Fault
from tests.cli.recut import Recut
from tests.cli.shelf import Shelf

HORSE = "happyhorse-1.0-video-edit"
AN_HOUR = 3600.0


@pytest.fixture
def manifest(recut: Recut, shelf: Shelf) -> str:
    """Six jobs of both models."""
    rows = [
        {"video": shelf.file("clip.mp4"), "prompt": f"Look {n}", "resolution": "720P", "name": f"job-{n}"}
        for n in range(6)
    ]
    return recut.write("jobs.jsonl", [row | ({"model": HORSE} if n % 2 else {}) for n, row in enumerate(rows)])


def run_for_an_hour(emulator: Emulator) -> None:
    emulator.set_faults([Fault(operation="create", does=Fate(ends="succeeded", run_seconds=AN_HOUR))])


def finish(emulator: Emulator) -> None:
    emulator.set_faults([])
    emulator.advance(AN_HOUR)


@pytest.mark.parametrize(
    ("number", "ignoring"),
    [(signal.SIGINT, None), (signal.SIGTERM, None), (signal.SIGTERM, signal.SIGINT)],
    ids=["Ctrl-C", "a service's stop", "a stop in a shell's background"],
)
def test_an_interrupted_batch_says_what_runs_on_and_the_next_one_picks_it_up(
    recut: Recut, emulator: Emulator, manifest: str, number: signal.Signals, ignoring: signal.Signals | None
) -> None:
    run_for_an_hour(emulator)
    running = recut.start("batch", manifest, ignoring=ignoring)
    running.until(emulator, status="RUNNING", count=3)
    running.send(number)
    done = running.done()
    assert done.code == 130
    assert "may have a provider task that runs on and is paid for" in done.err
    assert "Run the same command again" in done.err
    finish(emulator)
    again = recut("batch", manifest, "--json")
    assert (again.code, again.json["succeeded"]) == (0, 6), again.said
    assert len(emulator.audit()) == 6


@pytest.mark.parametrize("creates", [1, 4])
def test_a_killed_batch_is_finished_by_the_next_one(
    recut: Recut, emulator: Emulator, manifest: str, creates: int
) -> None:
    run_for_an_hour(emulator)
    running = recut.start("batch", manifest)
    running.until(emulator, operation="create", count=creates)
    running.send(signal.SIGKILL)
    assert running.done().code == -signal.SIGKILL
    finish(emulator)
    again = recut("batch", manifest, "--json").json
    # Where the kill fell between a claim and its answer and the provider knows of no create, a person is asked.
    for job in again["jobs"]:
        assert job["state"] == "published" or recut("resolve", job["name"], "--recreate").code == 0, job
    done = recut("batch", manifest, "--json")
    assert (done.code, done.json["succeeded"]) == (0, 6), done.said
    assert len(emulator.audit()) == 6


def test_two_batches_of_the_same_manifest_at_once_create_each_job_once(
    recut: Recut, emulator: Emulator, manifest: str
) -> None:
    both = [recut.start("batch", manifest, "--json") for _ in range(2)]
    ends = [running.done() for running in both]
    assert [done.code for done in ends] == [0, 0], [done.said for done in ends]
    assert [done.json["succeeded"] for done in ends] == [6, 6]
    assert sum(done.json["created"] for done in ends) == 6
    assert len(emulator.audit()) == 6


def test_an_interrupted_batch_that_created_nothing_says_so(recut: Recut, emulator: Emulator, manifest: str) -> None:
    emulator.set_faults([Fault(operation="policy", does=Answer(status=500))])
    running = recut.start("batch", manifest)
    running.until(emulator, operation="policy")
    running.send(signal.SIGINT)
    done = running.done()
    assert done.code == 130
    assert "leaves nothing running at the provider" in done.err
    assert emulator.audit() == []


def test_a_job_that_fails_stops_no_other_and_is_named_with_its_reason(
    recut: Recut, emulator: Emulator, manifest: str
) -> None:
    refusal = Answer(status=400, code="DataInspectionFailed", message="Input data may contain inappropriate content.")
    emulator.set_faults([Fault(operation="create", prompt="look 2", does=refusal)])
    done = recut("batch", manifest)
    assert done.code == 1
    assert "5 of 6 published, 1 without result; 5 created in this run" in done.out
    assert "✗ job-2  failed\n" in done.out
    assert "DataInspectionFailed: Input data may contain inappropriate content." in done.out
    assert "nothing was created and nothing is billed" in done.out
    assert "→ change the prompt or the media" in done.out
    assert [f"✓ job-{n}  published" in done.out for n in range(6)] == [True, True, False, True, True, True]
    assert len(emulator.audit()) == 5
    assert "ERROR" not in done.err


def test_a_provider_task_that_fails_is_told_to_cost_nothing(recut: Recut, emulator: Emulator, manifest: str) -> None:
    fate = Fate(ends="failed", code="DataInspectionFailed", message="Output data may contain inappropriate content.")
    emulator.set_faults([Fault(operation="create", prompt="look 3", does=fate)])
    done = recut("batch", manifest, "--json")
    assert done.code == 1
    failed = next(job for job in done.json["jobs"] if job["name"] == "job-3")
    assert (failed["state"], failed["error"]["code"]) == ("failed", "DataInspectionFailed")
    assert failed["provider_task_id"] in failed["error"]["message"]
    assert "a failed one is not billed" in failed["error"]["message"]
    assert sum(entry.cost == 0 for entry in emulator.audit()) == 1
