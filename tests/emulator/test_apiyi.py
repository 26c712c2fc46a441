"""The APIYI dialect: the same create, another poll."""

import httpx
import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator, Fate, Fault
from tests.emulator.asking import RUN_SECONDS, Apiyi, DashScope, body
from tests.emulator.conftest import MediaServer, quick_config

CLIP, IMAGE = "http://127.0.0.1:9/clip.mp4", "http://127.0.0.1:9/image.png"


def test_a_poll_is_flat_and_tells_progress_in_four_steps(emulator: Emulator, apiyi: Apiyi, media: MediaServer):
    task_id = apiyi.created(body(media.clip, media.astronaut))
    seen = [apiyi.poll(task_id)]
    for share in (0.2, 0.5):
        emulator.advance(RUN_SECONDS * share)
        seen.append(apiyi.poll(task_id))
    emulator.advance(RUN_SECONDS)
    emulator.wait(status="SUCCEEDED")
    seen.append(apiyi.poll(task_id))
    assert [(poll["status"], poll["progress"]) for poll in seen] == [
        ("in_progress", 10),
        ("in_progress", 30),
        ("in_progress", 30),
        ("completed", 100),
    ]
    assert set(seen[-1]) == {"status", "progress", "result_url", "task_id"}
    assert httpx.get(seen[-1]["result_url"]).headers["content-type"] == "video/mp4"


def test_waiting_tasks_are_submitted(emulator: Emulator, apiyi: Apiyi):
    emulator.set_faults([Fault(operation="create", does=Fate(ends="stays_pending"))])
    poll = apiyi.poll(apiyi.created(body(CLIP, IMAGE)))
    assert (poll["status"], poll["progress"]) == ("submitted", 0)


def test_ids_are_opaque(apiyi: Apiyi):
    assert apiyi.created(body(CLIP, IMAGE, model=HAPPYHORSE)).startswith("hh-")
    assert len(apiyi.created(body(CLIP, IMAGE, model=WAN))) == 36


def test_ids_older_than_a_day_are_unknown_in_upper_case(emulator: Emulator, apiyi: Apiyi):
    task_id = apiyi.created(body(CLIP, IMAGE))
    emulator.advance(24 * 3600)
    assert apiyi.poll(task_id)["status"] == "UNKNOWN"


@pytest.mark.parametrize("key", ["error", "fail_reason"])
def test_a_failure_names_the_vendors_code_in_brackets(key: str):
    fate = Fate(ends="failed", code="DataInspectionFailed", message="Green net check failed for text (input).")
    config = quick_config(apiyi_failure_key=key, faults=[Fault(operation="create", does=fate)])
    with Emulator(config) as emulator:
        client = Apiyi(emulator)
        task_id = client.created(body(CLIP, IMAGE))
        emulator.advance(RUN_SECONDS)
        poll = client.poll(task_id)
        assert poll["status"] == "failed"
        reason = poll["error"]["message"] if key == "error" else poll["fail_reason"]
        assert reason == "[DataInspectionFailed] Green net check failed for text (input)."


def test_plain_bodies_are_labelled_gzip_unless_identity_is_asked_for(emulator: Emulator, apiyi: Apiyi):
    with pytest.raises(httpx.DecodingError):
        apiyi.get("v1/tasks/x", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in apiyi.get("v1/tasks/x").headers
    with Emulator(quick_config(apiyi_mislabels_gzip=False)) as honest:
        assert Apiyi(honest).get("v1/tasks/x", headers={"Accept-Encoding": "gzip"}).status_code == 200


def test_polling_one_task_more_often_than_every_three_seconds_is_throttled(emulator: Emulator, apiyi: Apiyi):
    first, second = apiyi.created(body(CLIP, IMAGE)), apiyi.created(body(CLIP, IMAGE))
    statuses = [apiyi.get(f"v1/tasks/{task_id}").status_code for task_id in (first, second, first)]
    assert statuses == [200, 200, 429]
    emulator.advance(3)
    assert apiyi.get(f"v1/tasks/{first}").status_code == 200


def test_the_two_providers_keep_separate_books(emulator: Emulator, apiyi: Apiyi, dashscope: DashScope):
    task_id = apiyi.created(body(CLIP, IMAGE))
    assert dashscope.status(task_id) == "UNKNOWN"
    assert dashscope.list()["total"] == 0


def test_keys_and_the_async_header_are_checked(emulator: Emulator):
    for headers, status, words in (
        ({"Authorization": ""}, 401, "No token"),
        ({"Authorization": "Bearer none"}, 401, "Invalid token"),
        ({"X-DashScope-Async": ""}, 400, "does not support synchronous calls"),
    ):
        client = Apiyi(emulator)
        client.headers.update(headers)
        answer = client.create(body(CLIP, IMAGE))
        assert answer.status_code == status
        assert words in answer.json()["error"]["message"]


def test_there_is_no_list_no_cancel_and_no_upload(apiyi: Apiyi):
    for method, path in (("GET", "v1/tasks"), ("POST", "v1/tasks/x/cancel"), ("GET", "wan/api/v1/tasks/x")):
        assert apiyi.request(method, path).status_code in (403, 404, 405)
