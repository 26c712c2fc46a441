"""The deployments on a real Prefect server with a real worker: schedules, crashes and restarts, by themselves."""

import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from blocks.clients.store import Store
from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, RunTime
from tests.clips import make_clip
from tests.deployments.standing import Standing, eventually, free_port, is_healthy
from tests.s3 import S3Server

pytestmark = pytest.mark.timeout(600)
#: Provider seconds in one real second, and in which a provider task runs: five real ones, enough to break things in.
CLOCK_SCALE = 60
RUN_SECONDS = 300
#: How long a dropped file must stay as it is.
SETTLE_SECONDS = 1
TOKEN = "the-token-of-the-relay"
INBOX = "s3://standing-inbox/drops"


@pytest.fixture(scope="module")
def provider() -> Iterator[Emulator]:
    run_times = {model: RunTime(median=RUN_SECONDS) for model in (WAN, HAPPYHORSE)}
    with Emulator(EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=run_times)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def standing(provider: Emulator, _running_s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Server, worker and inbox folder, and prefect.yaml deployed, with a manifest that is due every minute."""
    folder = tmp_path_factory.mktemp("standing")
    (folder / "inbox").mkdir()
    make_clip(folder / "clip.mp4")
    standing = Standing(
        folder,
        {
            "DASHSCOPE_API_KEY": "sk-of-the-worker",
            "DASHSCOPE_HTTP_BASE_URL": provider.dashscope_base_url,
            "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
            "RECUT_RESULTS": str(folder / "results"),
            "RECUT_INBOX": str(folder / "inbox"),
            "RECUT_SETTLE_SECONDS": str(SETTLE_SECONDS),
            **_running_s3.environment(),
        },
    )
    try:
        standing.start_server()
        standing.deploy(RECUT_MANIFEST=manifest(standing, "nightly", 2), RECUT_MANIFEST_CRON="* * * * *")
        standing.start_worker()
        standing.start("notifier", "deployments.relay.folder", str(folder / "inbox"))
        yield standing
    finally:
        standing.end()


@pytest.fixture(scope="module")
def bucket(standing: Standing, _running_s3: S3Server) -> Iterator[Callable[[str], None]]:
    """Drops a clip and its prompt into a bucket that is the inbox, and tells the relay as MinIO would."""
    _running_s3.make_bucket("standing-inbox")
    port = free_port()
    standing.deploy(RECUT_INBOX=INBOX)
    standing.start("relay", "deployments.relay", RECUT_INBOX=INBOX, RECUT_RELAY_TOKEN=TOKEN, RECUT_RELAY_PORT=str(port))
    relay = f"http://127.0.0.1:{port}"
    eventually(lambda: is_healthy(relay), "the relay answers")
    store = Store(INBOX, _running_s3.options)

    def drop_and_tell(name: str) -> None:
        store.publish(f"{name}.mp4", standing.folder / "clip.mp4")
        store.write(f"{name}.txt", name.encode())
        record = {"bucket": {"name": "standing-inbox"}, "object": {"key": f"drops%2F{name}.txt"}}
        notice = {"EventName": "s3:ObjectCreated:Put", "Records": [{"eventName": "s3:ObjectCreated:Put", "s3": record}]}
        request = urllib.request.Request(
            relay, json.dumps(notice).encode(), headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer) == {"woken": ["recut.inbox"]}

    yield drop_and_tell
    standing.kill("relay")


def drop(standing: Standing, name: str) -> None:
    """Copies a clip and its prompt into the inbox folder."""
    shutil.copy(standing.folder / "clip.mp4", standing.folder / "inbox" / f"{name}.mp4")
    (standing.folder / "inbox" / f"{name}.txt").write_text(name)


def manifest(standing: Standing, name: str, count: int) -> str:
    """Writes a manifest of so many jobs, whose prompts and results tell them apart."""
    path = standing.folder / f"{name}.jsonl"
    jobs = [
        {"video": str(standing.folder / "clip.mp4"), "prompt": f"{name}-{number}", "name": f"{name}-{number}"}
        for number in range(count)
    ]
    path.write_text("".join(f"{json.dumps(job)}\n" for job in jobs))
    return str(path)


def published(standing: Standing, name: str) -> list[Path]:
    return sorted((standing.folder / "results").glob(f"{name}-*.mp4"))


def await_published(standing: Standing, name: str, count: int) -> None:
    eventually(lambda: len(published(standing, name)) == count, f"{count} results of {name} are there")


def created(provider: Emulator, name: str) -> Sequence[str]:
    """Returns the prompts of all accepted creates of a manifest, as the provider's books have them."""
    return sorted(entry.prompt for entry in provider.audit() if entry.prompt.startswith(f"{name}-"))


def await_creates(provider: Emulator, name: str, count: int) -> None:
    eventually(lambda: len(created(provider, name)) == count, f"{count} jobs of {name} are created")


def test_a_manifest_is_edited_when_its_schedule_says_so_and_an_overlapping_run_pays_nothing(standing, provider):
    scheduled = eventually(
        lambda: next((run for run in standing.runs("edit-batch/manifest") if run["auto_scheduled"]), None), "it is due"
    )
    overlapping = standing.run("edit-batch/manifest", manifest=str(standing.folder / "nightly.jsonl"))
    deployment = standing.deployment("edit-batch/manifest")
    schedule = f"deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    standing.ask(schedule, {"active": False}, "PATCH")
    assert standing.ended(scheduled["id"])["message"].startswith("2 published")
    assert standing.ended(overlapping)["message"].startswith("2 published")
    assert created(provider, "nightly") == ["nightly-0", "nightly-1"]
    assert len(published(standing, "nightly")) == 2


def test_deploying_again_changes_nothing_twice(standing):
    def automations() -> list[tuple[str, str]]:
        found = standing.ask("automations/filter", {})
        return sorted((each["name"], each["updated"]) for each in found if each["name"].startswith("recut: "))

    before = automations()
    assert "Warning" not in standing.deploy()
    assert automations() == before
    assert [name for name, _ in before] == [
        "recut: crash silent runs",
        "recut: crash unstarted runs",
        "recut: resume crashed runs",
    ]
    schedules = standing.deployment("edit-batch/manifest")["schedules"]
    assert [(each["schedule"]["cron"], each["active"]) for each in schedules] == [("0 6 * * *", False)]


def test_one_clip_is_edited_from_the_form(standing, provider):
    job = {"video": str(standing.folder / "clip.mp4"), "prompt": "form-0", "name": "form-0"}
    state = standing.ended(standing.run("edit-video/on-demand", job=job))
    assert state["message"].startswith("1 published")
    assert len(published(standing, "form")) == len(created(provider, "form")) == 1


def test_a_batch_on_workers_is_edited_by_them_and_reported_by_itself_within_its_cap(standing, provider):
    listed = manifest(standing, "shared", 3)
    options = {"on_workers": True, "max_cost": "100"}
    state = standing.ended(standing.run("edit-batch/manifest", manifest=listed, options=options))
    assert state["message"].startswith("3 published")
    assert created(provider, "shared") == ["shared-0", "shared-1", "shared-2"]
    (shard,) = standing.runs("edit-shard/shard")
    assert shard["state_type"] == "COMPLETED"
    too_little = standing.run(
        "edit-batch/manifest", manifest=manifest(standing, "dear", 3), options=options | {"max_cost": "1"}
    )
    assert standing.ended(too_little)["type"] == "FAILED"
    assert created(provider, "dear") == []


def test_a_run_whose_results_would_be_deleted_with_it_is_refused(standing, provider):
    job = {"video": str(standing.folder / "clip.mp4"), "prompt": "lost-0"}
    state = standing.ended(standing.run("edit-video/on-demand", job=job, options={"results": "edited"}))
    assert "Nothing was created" in state["message"]
    assert created(provider, "lost") == []


def test_a_flow_run_that_is_killed_comes_back_by_itself_and_pays_nothing_twice(standing, provider):
    run = standing.run("edit-batch/manifest", manifest=manifest(standing, "killed", 3))
    await_creates(provider, "killed", 3)
    standing.kill_flow_runs()
    state = eventually(
        lambda: (state := standing.state(run))["type"] == "COMPLETED" and state, "it has come back and ended"
    )
    assert state["message"].startswith("3 published")
    assert created(provider, "killed") == ["killed-0", "killed-1", "killed-2"]


def test_a_clip_dropped_into_a_folder_is_edited_by_itself(standing, provider, capsys):
    began = time.monotonic()
    drop(standing, "dropped-0")
    await_creates(provider, "dropped", 1)
    with capsys.disabled():
        print(f"\nfrom a drop, which settles in {SETTLE_SECONDS} s, to its create: {time.monotonic() - began:.1f} s")
    await_published(standing, "dropped", 1)
    assert created(provider, "dropped") == ["dropped-0"]


def test_a_server_that_is_killed_and_started_again_half_way_costs_nothing(standing, provider):
    drop(standing, "server-0")
    await_creates(provider, "server", 1)
    standing.kill("server")
    drop(standing, "server-1")
    standing.start_server()
    await_published(standing, "server", 2)
    assert created(provider, "server") == ["server-0", "server-1"]


def test_a_clip_dropped_into_a_bucket_is_edited_when_the_bucket_tells_the_relay(standing, provider, bucket):
    bucket("bucketed-0")
    await_published(standing, "bucketed", 1)
    assert created(provider, "bucketed") == ["bucketed-0"]


def test_the_sweep_finishes_what_a_killed_worker_left(standing, provider, bucket):
    bucket("worker-0")
    await_creates(provider, "worker", 1)
    standing.kill("worker")
    assert published(standing, "worker") == []
    standing.start_worker()
    assert standing.ended(standing.run("sweep/sweep"))["message"].startswith("1 published")
    await_published(standing, "worker", 1)
    assert created(provider, "worker") == ["worker-0"]
