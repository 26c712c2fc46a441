"""The DashScope dialect, to the field."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, Fate, Fault
from tests.emulator.asking import RUN_SECONDS, DashScope, body, finish
from tests.emulator.conftest import MediaServer, quick_config

CLIP = "http://127.0.0.1:9/clip.mp4"
DAY = 24 * 3600
BEIJING = timezone(timedelta(hours=8))
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def running_forever(emulator: Emulator) -> None:
    emulator.set_faults([Fault(operation="create", does=Fate(ends="stays_running"))])


def test_a_create_answers_pending_with_an_id(dashscope: DashScope):
    answer = dashscope.create(body(CLIP))
    document = answer.json()
    assert set(document) == {"output", "request_id"}
    assert document["output"].pop("task_status") == "PENDING"
    assert UUID.fullmatch(document["output"]["task_id"])
    assert UUID.fullmatch(document["request_id"])
    assert answer.headers["x-dashscope-call-gateway"] == "true"


def test_times_appear_as_they_are_reached(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    first, *_ = [dashscope.created(body(media.clip)) for _ in range(5)]
    emulator.advance(1)
    waiting = dashscope.created(body(media.clip))
    assert set(dashscope.poll(waiting)["output"]) == {"task_id", "task_status", "submit_time", "orig_prompt"}
    running = dashscope.poll(first)["output"]
    assert running["task_status"] == "RUNNING"
    assert "scheduled_time" in running
    assert "end_time" not in running
    finish(emulator, 5)
    done = dashscope.poll(first)["output"]
    assert set(done) == {
        "task_id",
        "task_status",
        "submit_time",
        "scheduled_time",
        "end_time",
        "orig_prompt",
        "video_url",
    }
    submitted, ended = (datetime.strptime(done[name], "%Y-%m-%d %H:%M:%S.%f") for name in ("submit_time", "end_time"))
    assert RUN_SECONDS <= (ended - submitted).total_seconds() < RUN_SECONDS + 60


def test_polls_write_times_in_utc_plus_8_with_milliseconds(emulator: Emulator, dashscope: DashScope):
    text = dashscope.poll(dashscope.created(body(CLIP)))["output"]["submit_time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", text)
    told = datetime.fromisoformat(text).replace(tzinfo=BEIJING)
    assert abs(told.timestamp() - emulator.now()) < 60


def test_usage_counts_input_and_output(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    task_id = dashscope.created(body(media.clip, duration=2))
    finish(emulator)
    assert dashscope.poll(task_id)["usage"] == {
        "duration": 7.28,
        "input_video_duration": 5.28,
        "output_video_duration": 2.0,
        "video_count": 1,
        "SR": 720,
    }


def test_unknown_and_expired_ids_and_those_of_others_are_unknown(
    emulator: Emulator, dashscope: DashScope, media: MediaServer
):
    task_id = dashscope.created(body(media.clip))
    finish(emulator)
    assert DashScope(emulator, "sk-other").poll(task_id)["output"] == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert dashscope.poll("no-such-task")["output"] == {"task_id": "no-such-task", "task_status": "UNKNOWN"}
    emulator.advance(DAY)
    assert dashscope.poll(task_id)["output"] == {"task_id": task_id, "task_status": "UNKNOWN"}


def test_all_keys_of_one_account_see_its_tasks():
    with Emulator(quick_config(accounts={"studio": ["sk-one", "sk-two"]}, keys=["sk-three"])) as emulator:
        task_id = DashScope(emulator, "sk-one").created(body(CLIP))
        assert DashScope(emulator, "sk-two").status(task_id) != "UNKNOWN"
        assert DashScope(emulator, "sk-three").status(task_id) == "UNKNOWN"
        assert DashScope(emulator, "sk-four").get(f"tasks/{task_id}").json()["code"] == "InvalidApiKey"
        assert emulator.audit()[0].account == "studio"


def test_keys_headers_and_workspaces_are_checked():
    with Emulator(quick_config(workspaces={"llm-a": [WAN]})) as emulator:
        client = DashScope(emulator)
        asked = body(CLIP)
        no_key = client.create(asked, Authorization="")
        assert (no_key.status_code, no_key.json()["code"]) == (401, "InvalidApiKey")
        assert no_key.json()["message"] == "No API-key provided."
        wrong_key = client.create(asked, Authorization="Bearer none")
        assert (wrong_key.status_code, wrong_key.json()["message"]) == (401, "Invalid API-key provided.")
        synchronous = client.create(asked, **{"X-DashScope-Async": "disable"})
        assert (synchronous.status_code, synchronous.json()["code"]) == (403, "AccessDenied")
        assert synchronous.json()["message"] == "current user api does not support synchronous calls."
        stranger = client.create(asked, **{"X-DashScope-WorkSpace": "llm-b"})
        assert (stranger.status_code, stranger.json()["code"]) == (401, "NOT AUTHORIZED")
        not_granted = client.create(body(CLIP, model=HAPPYHORSE), **{"X-DashScope-WorkSpace": "llm-a"})
        assert (not_granted.status_code, not_granted.json()["code"]) == (403, "Model.AccessDenied")
        assert client.create(asked, **{"X-DashScope-WorkSpace": "llm-a"}).status_code == 200


@pytest.mark.usefixtures("running_forever")
def test_the_list_is_newest_first_and_paged(emulator: Emulator, dashscope: DashScope):
    created = []
    for _ in range(7):
        created.append(dashscope.created(body(CLIP)))
        emulator.advance(1)
    first = dashscope.list(page_size=3)
    assert [row["task_id"] for row in first["data"]] == created[:3:-1]
    assert (first["total"], first["total_page"], first["page_no"], first["page_size"]) == (7, 3, 1, 3)
    last = dashscope.get("tasks/", params={"page_size": 3, "page_no": 3}).json()
    assert [row["task_id"] for row in last["data"]] == created[:1]


def test_list_rows_carry_the_creates_request_id_and_epoch_milliseconds(emulator: Emulator, dashscope: DashScope):
    created = dashscope.create(body(CLIP)).json()
    (row,) = dashscope.list()["data"]
    assert row["request_id"] == created["request_id"]
    assert row["model_name"] == WAN
    assert row["region"] == "ap-southeast-1"
    assert row["user_api_unique_key"].startswith("apikey:v1:aigc:")
    assert isinstance(row["gmt_create"], int)
    assert abs(row["gmt_create"] / 1000 - emulator.now()) < 60
    assert not {"prompt", "orig_prompt", "video_url", "task_status"} & set(row)


@pytest.mark.usefixtures("running_forever")
def test_the_list_can_be_filtered(emulator: Emulator, dashscope: DashScope):
    wan = dashscope.created(body(CLIP))
    emulator.advance(3600)
    horse = dashscope.created(body(CLIP, model=HAPPYHORSE))

    def beijing(seconds_ago: float) -> str:
        return datetime.fromtimestamp(emulator.now() - seconds_ago, BEIJING).strftime("%Y%m%d%H%M%S")

    def found(**filters: str) -> list[str]:
        return [row["task_id"] for row in dashscope.list(**filters)["data"]]

    assert found() == [horse, wan]
    assert found(model_name=WAN) == [wan]
    assert found(status="PENDING") == []
    assert found(task_id=wan) == [wan]
    assert found(start_time=beijing(1800)) == [horse]
    assert found(start_time=beijing(7200), end_time=beijing(1800)) == [wan]
    utc = datetime.fromtimestamp(emulator.now(), UTC).strftime("%Y%m%d%H%M%S")
    assert found(start_time=utc, end_time=utc) == []
    too_long = dashscope.get("tasks", params={"start_time": beijing(2 * DAY), "end_time": beijing(0)})
    assert too_long.status_code == 400


def test_pending_tasks_can_be_cancelled_and_no_others(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    running = dashscope.created(body(media.clip))
    for _ in range(4):
        dashscope.created(body(media.clip))
    emulator.advance(1)
    waiting = dashscope.created(body(media.clip))
    cancelled = dashscope.post(f"tasks/{waiting}/cancel")
    assert (cancelled.status_code, set(cancelled.json())) == (200, {"request_id"})
    assert dashscope.status(waiting) == "CANCELED"
    refused = dashscope.post(f"tasks/{running}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")
    finish(emulator, 5)
    assert emulator.counters().statuses == {"SUCCEEDED": 5, "CANCELED": 1}


def test_quotas_can_be_read(dashscope: DashScope):
    output = dashscope.get("models/limits").json()["output"]
    quotas = {quota["model"]: quota["model_limit"] for quota in output["quotas"]}
    assert set(quotas) == {WAN, HAPPYHORSE}
    assert quotas[WAN] == {
        "request_limit": 5,
        "request_limit_period": 1,
        "async_user_queue_limit": 500,
        "async_user_concurrency_limit": 5,
    }


def test_the_sixth_submit_in_a_second_is_throttled_for_its_model_only(emulator: Emulator, dashscope: DashScope):
    answers = [dashscope.create(body(CLIP)) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].json()["code"] == "Throttling.RateQuota"
    assert "retry-after" not in answers[-1].headers
    assert dashscope.create(body(CLIP, model=HAPPYHORSE)).status_code == 200
    assert DashScope(emulator, "sk-other").create(body(CLIP)).status_code == 200
    emulator.advance(1)
    assert dashscope.create(body(CLIP)).status_code == 200
    counters = emulator.counters()
    assert counters.throttled == 2
    assert counters.peak_per_second[f"dashscope account-1 create {WAN}"] == 5


def test_polls_lists_and_cancels_have_twenty_a_second_each(dashscope: DashScope):
    for ask in (
        lambda: dashscope.get("tasks/x"),
        lambda: dashscope.get("tasks"),
        lambda: dashscope.post("tasks/x/cancel"),
    ):
        statuses = [ask().status_code for _ in range(21)]
        assert statuses[-1] == 429
        assert 429 not in statuses[:20]


def test_a_skewed_clock_shows_in_every_time():
    with Emulator(quick_config(clock_skew_seconds=3600)) as emulator:
        client = DashScope(emulator)
        text = client.poll(client.created(body(CLIP)))["output"]["submit_time"]
        told = datetime.fromisoformat(text).replace(tzinfo=BEIJING)
        assert 3500 < told.timestamp() - datetime.now(UTC).timestamp() < 3700
