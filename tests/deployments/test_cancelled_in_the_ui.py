"""Cancelling a flow run in the Prefect UI: its creates are still recorded, what runs on is said, a sweep fetches it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, Fault, RunTime
from tests.clips import make_clip
from tests.deployments.standing import Standing, ask, eventually

#: Provider seconds in one real second, and in which a provider task runs: some real ones, long enough to be cancelled.
CLOCK_SCALE = 60
RUN_SECONDS = 900
#: Real seconds after which the answer to the second create comes: longer than Prefect takes to pass the word on.
LATE_SECONDS = 5


@pytest.fixture
def provider() -> Iterator[Emulator]:
    run_times = {model: RunTime(median=RUN_SECONDS) for model in (WAN, HAPPYHORSE)}
    with Emulator(EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times=run_times)) as emulator:
        yield emulator


@pytest.fixture
def standing(provider: Emulator, tmp_path: Path) -> Iterator[Standing]:
    make_clip(tmp_path / "clip.mp4")
    standing = Standing(
        tmp_path,
        {
            "DASHSCOPE_API_KEY": "sk-of-the-worker",
            "DASHSCOPE_HTTP_BASE_URL": provider.dashscope_base_url,
            "RECUT_CLOCK_SCALE": str(CLOCK_SCALE),
            "RECUT_RESULTS": str(tmp_path / "results"),
        },
    )
    try:
        standing.start_server()
        standing.deploy()
        standing.start_worker()
        yield standing
    finally:
        standing.end()


def records(standing: Standing) -> dict[str, list[str]]:
    """Returns the kinds of journal records of all jobs, by name."""
    found: dict[str, list[str]] = {}
    for path in sorted((standing.folder / "results/.recut/journal").glob("*/001-*.json")):
        record: dict[str, Any] = json.loads(path.read_text())
        if record["kind"] == "intent":
            found[record["name"]] = sorted(each.stem for each in path.parent.glob("*.json"))
    return found


def begun(standing: Standing, name: str) -> str | None:
    """Asks for a run of a deployment; None when the server is too busy to take it."""
    with suppress(HTTPError):
        return standing.run(name)
    return None


def test_a_run_cancelled_in_the_ui_records_its_creates_says_what_runs_on_and_is_finished_by_a_sweep(standing, provider):
    jobs = [{"video": str(standing.folder / "clip.mp4"), "prompt": name, "name": name} for name in ("runs", "late")]
    (standing.folder / "jobs.jsonl").write_text("".join(f"{json.dumps(job)}\n" for job in jobs))
    late = {"kind": "delay", "seconds": LATE_SECONDS * CLOCK_SCALE, "when": "after"}
    provider.set_faults([Fault.model_validate({"operation": "create", "prompt": "late", "does": late})])
    run = standing.run("edit-batch/manifest", manifest=str(standing.folder / "jobs.jsonl"))
    eventually(lambda: {task.prompt for task in provider.audit()} == {"runs", "late"}, "both are created")

    ask(f"{standing.api}/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    assert standing.ended(run)["type"] == "CANCELLED"
    # As crashed, even for a moment, it would be started again.
    assert "CRASHED" not in {state["type"] for state in ask(f"{standing.api}/flow_run_states/?flow_run_id={run}")}

    submitted = ["001-intent", "001-submitted"]
    assert records(standing) == {"runs": submitted, "late": submitted}
    ids = {task.prompt: task.provider_task_id for task in provider.audit()}

    def said() -> str | None:
        found = ask(f"{standing.api}/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        return next((log["message"] for log in found if log["message"].startswith("Stopped; ")), None)

    told = eventually(said, "the log says what runs on")
    assert "what 2 jobs have at the provider runs on, and is billed if it succeeds" in told
    assert f"runs ({ids['runs']})" in told
    assert f"late ({ids['late']})" in told

    provider.advance(RUN_SECONDS)

    def swept() -> bool:
        """Whether a sweep finishes them: one that comes while the cancelled run still closes leaves them to it."""
        run = eventually(lambda: begun(standing, "sweep/sweep"), "a sweep begins")
        return str(standing.ended(run)["message"]).startswith("2 published")

    eventually(swept, "a sweep publishes both")
    assert len(provider.audit()) == 2
