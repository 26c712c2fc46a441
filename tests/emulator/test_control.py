"""The books, the clock and the rest of what tests and people hold on to."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from deployments.emulator import HAPPYHORSE, WAN, Emulator, EmulatorConfig, Fate, Fault, RunTime
from deployments.emulator.books import Books
from tests.emulator.asking import KEY, RUN_SECONDS, Apiyi, DashScope, body, finish
from tests.emulator.conftest import MediaServer, quick_config

CLIP = "http://127.0.0.1:9/clip.mp4"


def test_the_audit_names_what_was_asked_and_never_the_key(emulator: Emulator, dashscope: DashScope):
    asked = body(CLIP, prompt="a red jacket")
    answer = dashscope.create(asked, **{"Idempotency-Key": "once"})
    (entry,) = emulator.audit()
    assert json.loads(entry.body) == asked
    assert (entry.provider, entry.account, entry.model) == ("dashscope", "account-1", WAN)
    assert entry.provider_task_id == answer.json()["output"]["task_id"]
    assert entry.request_id == answer.json()["request_id"]
    assert entry.prompt == "a red jacket"
    assert entry.headers["idempotency-key"] == "once"
    assert "authorization" not in entry.headers
    assert KEY not in httpx.get(f"{emulator.url}/_emulator/audit").text


def test_the_audit_tells_how_often_a_provider_task_was_looked_at_and_when_its_end_was_first_told(
    emulator: Emulator, dashscope: DashScope, media: MediaServer
):
    task_id = dashscope.created(body(media.clip))
    dashscope.poll(task_id)
    (entry,) = emulator.audit()
    assert (entry.polls, entry.told_over_at) == (1, None)
    finish(emulator)
    emulator.advance(7)
    dashscope.poll(task_id)
    (told,) = emulator.audit()
    dashscope.poll(task_id)
    (entry,) = emulator.audit()
    assert entry.polls == 3
    assert entry.told_over_at == told.told_over_at
    assert entry.told_over_at >= entry.ended_at + 7


@pytest.mark.parametrize(
    ("region", "model", "resolution", "cost", "currency"),
    [
        ("cn-beijing", WAN, "720P", 10.55 * 0.6, "CNY"),
        ("cn-beijing", HAPPYHORSE, "1080P", 10.57 * 1.6, "CNY"),
        ("ap-southeast-1", WAN, "1080P", 10.55 * 1.100886, "CNY"),
        ("ap-southeast-1", HAPPYHORSE, "720P", 10.57 * 1.049188, "CNY"),
    ],
)
def test_dashscope_bills_input_and_output_by_region(
    media: MediaServer, region: str, model: str, resolution: str, cost: float, currency: str
):
    with Emulator(quick_config(region=region)) as emulator, DashScope(emulator) as client:
        client.created(body(media.clip, model=model, resolution=resolution))
        finish(emulator)
        (entry,) = emulator.audit()
        assert (entry.cost, entry.currency) == (pytest.approx(cost), currency)


@pytest.mark.parametrize(("both", "seconds"), [(False, 5.27), (True, 10.55)])
def test_apiyi_bills_output_unless_told_otherwise(media: MediaServer, both: bool, seconds: float):
    with Emulator(quick_config(apiyi_bills_input=both)) as emulator, Apiyi(emulator) as client:
        client.created(body(media.clip, media.cat))
        finish(emulator)
        (entry,) = emulator.audit()
        assert (entry.billed_seconds, entry.currency) == (seconds, "USD")
        assert entry.cost == pytest.approx(seconds * 0.084)


def test_five_run_at_once_in_the_order_they_came(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    created = []
    for _ in range(8):
        created.append(dashscope.created(body(media.clip)))
        emulator.advance(0.3)
    assert emulator.counters().statuses == {"RUNNING": 5, "PENDING": 3}
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED", count=5)
    finish(emulator, 8)
    audit = emulator.audit()
    starts = [entry.started_at for entry in audit]
    assert [entry.provider_task_id for entry in audit] == created
    assert starts == sorted(starts)
    assert emulator.counters().peak_running == {f"dashscope account-1 {WAN}": 5}


def test_a_wait_ends_when_enough_has_come_in(emulator: Emulator, dashscope: DashScope):
    with pytest.raises(TimeoutError):
        emulator.wait(operation="list", timeout=0.05)
    waiter = threading.Thread(target=emulator.wait, kwargs={"operation": "list", "count": 2})
    waiter.start()
    dashscope.list()
    dashscope.list()
    waiter.join(timeout=10)
    assert not waiter.is_alive()


def test_everything_can_be_had_by_http(emulator: Emulator, dashscope: DashScope):
    with httpx.Client(base_url=f"{emulator.url}/_emulator/") as control:
        fault = {"operation": "create", "does": {"kind": "fate", "ends": "failed", "code": "InternalError.Algo"}}
        assert control.put("faults", json=[fault]).status_code == 200
        assert control.get("faults").json()[0]["does"]["code"] == "InternalError.Algo"
        assert control.put("faults", json=[{"operation": "dance"}]).status_code == 400
        dashscope.created(body(CLIP))
        assert control.get("wait", params={"operation": "create", "count": 1}).json() == {"reached": True}
        assert control.get("wait", params={"operation": "create", "count": 2, "timeout": 0.05}).status_code == 408
        assert control.get("wait", params={"operation": "dance"}).status_code == 400
        before = control.get("clock").json()["now"]
        after = control.post("clock/advance", json={"seconds": RUN_SECONDS}).json()["now"]
        assert after - before >= RUN_SECONDS
        assert control.post("clock/advance", json={"seconds": -1}).status_code == 400
        assert control.get("wait", params={"status": "FAILED"}).json() == {"reached": True}
        assert control.get("audit").json()[0]["status"] == "FAILED"
        assert control.get("counters").json()["statuses"] == {"FAILED": 1}
        assert control.delete("faults").json() == []
        assert control.post("reset").status_code == 204
        assert control.get("audit").json() == []


def test_the_page_shows_addresses_and_recent_tasks(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    dashscope.created(body(media.clip, prompt="<script>alert(1)</script>"))
    finish(emulator)
    page = httpx.get(emulator.url)
    assert page.headers["content-type"].startswith("text/html")
    assert f"DASHSCOPE_HTTP_BASE_URL={emulator.dashscope_base_url}" in page.text
    assert "SUCCEEDED" in page.text
    assert "<script>" not in page.text
    link = page.text.partition('<a href="http')[2].partition('"')[0].replace("&amp;", "&")
    assert httpx.get(f"http{link}").headers["content-type"] == "video/mp4"


def test_settings_come_from_yaml_and_nothing_else_is_taken(tmp_path: Path):
    path = tmp_path / "emulator.yaml"
    path.write_text(
        "port: 0\nclock_scale: 60\nlimits: {running: 2}\nrun_times: {wan2.7-videoedit: {median: 30}}\n"
        "faults:\n  - {operation: get, nth: [1], does: {kind: hang, when: after}}\n"
    )
    config = EmulatorConfig.from_file(path)
    assert (config.clock_scale, config.limits.running, config.faults[0].does.kind) == (60, 2, "hang")
    path.write_text("prot: 8710\n")
    with pytest.raises(ValidationError, match="prot"):
        EmulatorConfig.from_file(path)


def test_run_times_follow_median_and_95th_percentile_and_the_seed():
    def drawn(seed: int, time: RunTime) -> list[float]:
        books = Books(EmulatorConfig(seed=seed, run_times={WAN: time}), lambda task: None)
        return sorted(books.run_seconds(WAN) for _ in range(2000))

    times = drawn(1, RunTime(median=200, p95=400))
    assert times[1000] == pytest.approx(200, rel=0.1)
    assert times[1900] == pytest.approx(400, rel=0.15)
    assert times == drawn(1, RunTime(median=200, p95=400)) != drawn(2, RunTime(median=200, p95=400))
    assert set(drawn(1, RunTime(median=50))) == {50}


def test_provider_time_runs_as_fast_as_asked(media: MediaServer):
    with Emulator(quick_config(clock_scale=3600)) as emulator, DashScope(emulator) as client:
        task_id = client.created(body(media.clip))
        emulator.wait(status="SUCCEEDED")
        assert client.status(task_id) == "SUCCEEDED"


def test_limits_can_be_switched_off(media: MediaServer):
    free = {"submits_per_second": None, "running": None, "queries_per_second": None}
    with Emulator(quick_config(limits=free)) as emulator, DashScope(emulator) as client:
        for _ in range(40):
            client.created(body(media.clip))
        finish(emulator, 40)
        assert emulator.counters().throttled == 0


def test_stopping_lets_go_of_everyone_who_waits():
    emulator = Emulator(quick_config(faults=[Fault(operation="create", does=Fate(ends="stays_running"))]))
    with emulator:
        waiting = httpx.Client(timeout=30)
        waiter = threading.Thread(target=lambda: waiting.get(f"{emulator.url}/_emulator/wait?operation=list"))
        waiter.start()
        DashScope(emulator).created(body(CLIP))
    waiter.join(timeout=10)
    assert not waiter.is_alive()


def test_a_taken_port_is_said_at_once():
    with Emulator(quick_config()) as emulator:
        port = httpx.URL(emulator.url).port
        with pytest.raises(OSError, match="in use"), Emulator(quick_config(port=port)):
            pass


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_alone_until_it_is_told_to_stop(tmp_path: Path, stop: signal.Signals):
    config = tmp_path / "emulator.yaml"
    config.write_text("port: 0\n")
    command = [sys.executable, "-m", "deployments.emulator", str(config)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}
    ) as process:
        url = process.stdout.readline().strip()
        assert "recut emulator" in httpx.get(url).text
        assert list(tmp_path.glob("recut-emulator-*"))
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert not list(tmp_path.glob("recut-emulator-*"))


def test_it_needs_nothing_of_the_pipeline_and_no_prefect():
    loaded = "import sys, deployments.emulator; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"prefect", "flows", "blocks", "dashscope"} & {name.partition(".")[0] for name in modules}


def test_its_files_lie_where_asked(tmp_path: Path, media: MediaServer):
    with Emulator(quick_config(data_folder=tmp_path)) as emulator, DashScope(emulator) as client:
        client.created(body(media.clip))
        finish(emulator)
    assert list((tmp_path / "results").glob("*.mp4"))
