"""Every family of faults, as a client meets it."""

import io
import json
import math
import socket

import av
import httpx
import pytest
from pydantic import ValidationError

from deployments.emulator import (
    Answer,
    Delay,
    Emulator,
    Fate,
    Fault,
    File,
    Garble,
    Hang,
    Report,
    Reset,
    Rows,
)
from tests.emulator.asking import KEY, RUN_SECONDS, SAMPLE, SYNTHESIS, Apiyi, DashScope, body, finish, policy, upload
from tests.emulator.conftest import MediaServer

CLIP, IMAGE = "http://127.0.0.1:9/clip.mp4", "http://127.0.0.1:9/image.png"


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_any_answer_can_be_given_with_or_without_the_task_being_made(
    emulator: Emulator, dashscope: DashScope, when: str, made: int
):
    answer = Answer(status=503, code="ModelUnavailable", message="later", when=when)
    emulator.set_faults([Fault(operation="create", does=answer)])
    got = dashscope.create(body(CLIP))
    assert (got.status_code, got.json()["code"], got.json()["message"]) == (503, "ModelUnavailable", "later")
    assert len(emulator.audit()) == made
    assert emulator.counters().operations["dashscope create"].outcomes == {"503 ModelUnavailable": 1}


@pytest.mark.parametrize("wait", ["7", "Fri, 31 Dec 2027 23:59:59 GMT", "-1", "soon", "99999999999"])
def test_an_answer_may_carry_any_retry_after(emulator: Emulator, dashscope: DashScope, wait: str):
    answer = Answer(status=429, code="Throttling.BurstRate", message="slow", headers={"Retry-After": wait})
    emulator.set_faults([Fault(operation="get", does=answer, times=1)])
    assert dashscope.get("tasks/x").headers["retry-after"] == wait
    assert dashscope.get("tasks/x").status_code == 200


def test_refusals_come_in_the_envelope_of_whoever_is_asked(emulator: Emulator, apiyi: Apiyi):
    emulator.set_faults([Fault(operation="get", provider="apiyi", does=Answer(status=500, code="x", message="y"))])
    assert apiyi.get("v1/tasks/x").json() == {"error": {"message": "y", "type": "task_error", "code": "x"}}


def test_a_raw_body_is_sent_as_it_is(emulator: Emulator, dashscope: DashScope):
    page = Answer(status=200, body="<html></html>", headers={"content-type": "text/html"})
    emulator.set_faults([Fault(operation="list", does=page)])
    got = dashscope.get("tasks")
    assert (got.status_code, got.text, got.headers["content-type"]) == (200, "<html></html>", "text/html")


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_create_can_be_reset(emulator: Emulator, dashscope: DashScope, when: str, made: int):
    emulator.set_faults([Fault(operation="create", does=Reset(when=when), times=1)])
    with pytest.raises(httpx.ReadError, match="reset"):
        dashscope.create(body(CLIP))
    assert len(emulator.audit()) == made
    assert emulator.counters().operations["dashscope create"].outcomes == {"reset": 1}
    assert dashscope.create(body(CLIP)).status_code == 200


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_create_can_go_unanswered(emulator: Emulator, dashscope: DashScope, when: str, made: int):
    emulator.set_faults([Fault(operation="create", does=Hang(when=when))])
    with pytest.raises(httpx.ReadTimeout):
        dashscope.post("services/aigc/video-generation/video-synthesis", json=body(CLIP), timeout=0.2)
    emulator.wait(operation="create")
    assert len(emulator.audit()) == made
    assert emulator.counters().operations["dashscope create"].outcomes == {"no answer": 1}


def test_a_delay_lasts_provider_seconds(emulator: Emulator, dashscope: DashScope):
    emulator.set_faults([Fault(operation="get", does=Delay(seconds=10_000, when="after"))])
    with pytest.raises(httpx.ReadTimeout):
        dashscope.get("tasks/x", timeout=0.2)
    emulator.advance(10_000)
    emulator.wait(operation="get")


def test_a_json_answer_can_be_garbled(emulator: Emulator, dashscope: DashScope):
    def garbled(how: str) -> httpx.Response:
        emulator.set_faults([Fault(operation="create", does=Garble(how=how))])
        answer = dashscope.create(body(CLIP))
        assert answer.status_code == 200
        return answer

    with pytest.raises(json.JSONDecodeError):
        garbled("truncated").json()
    assert garbled("html").headers["content-type"] == "text/html"
    assert garbled("without_task_id").json()["output"] == {"task_status": "PENDING"}
    doubled = garbled("duplicate_keys")
    pairs = json.loads(doubled.content, object_pairs_hook=lambda pairs: pairs)
    assert [name for name, _ in pairs].count("output") == 2
    assert doubled.json()["output"]["task_id"]
    assert len(emulator.audit()) == 4


def test_a_poll_can_report_another_state(emulator: Emulator, dashscope: DashScope, media: MediaServer):
    task_id = dashscope.created(body(media.clip))
    finish(emulator)

    def reported(**lie: object) -> dict:
        emulator.set_faults([Fault(operation="get", does=Report(**lie))])
        return dashscope.poll(task_id)["output"]

    assert reported(status="UNKNOWN") == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert reported(status="SUSPENDED")["task_status"] == "SUSPENDED"
    assert "video_url" not in reported(without_url=True)
    assert set(reported(status="PENDING")) == {"task_id", "task_status", "submit_time", "orig_prompt"}
    failed = reported(status="FAILED", code="IPInfringementSuspect", message="no")
    assert (failed["code"], failed["message"]) == ("IPInfringementSuspect", "no")
    assert "code" not in reported(status="FAILED")
    assert emulator.audit()[0].status == "SUCCEEDED"


def test_a_status_can_go_backwards(emulator: Emulator, apiyi: Apiyi, media: MediaServer):
    backwards = Fault(operation="get", does=Report(status="PENDING"), nth=[2], per_task=True)
    emulator.set_faults([backwards])
    task_id = apiyi.created(body(media.clip, media.cat))
    seen = []
    for _ in range(3):
        seen.append(apiyi.poll(task_id)["status"])
        emulator.advance(3)
    assert seen == ["in_progress", "submitted", "in_progress"]


@pytest.mark.parametrize("code", ["DataInspectionFailed", ""])
def test_a_task_can_be_doomed_with_or_without_a_reason(emulator: Emulator, dashscope: DashScope, code: str):
    emulator.set_faults([Fault(operation="create", does=Fate(ends="failed", code=code, message="no"))])
    task_id = dashscope.created(body(CLIP))
    emulator.advance(RUN_SECONDS)
    output = dashscope.poll(task_id)["output"]
    assert output["task_status"] == "FAILED"
    assert output.get("code", "") == code
    assert emulator.audit()[0].cost == 0


def test_a_task_can_stay_pending_until_the_wall(emulator: Emulator, dashscope: DashScope):
    emulator.set_faults([Fault(operation="create", does=Fate(ends="stays_pending"))])
    task_id = dashscope.created(body(CLIP))
    emulator.advance(3 * 3600 - 60)
    assert dashscope.status(task_id) == "PENDING"
    emulator.advance(60)
    assert dashscope.poll(task_id)["output"]["code"] == "InternalError.Timeout"


def test_list_rows_can_be_late_missing_or_shifted(emulator: Emulator, dashscope: DashScope):
    emulator.set_faults([Fault(operation="create", does=Fate(ends="stays_running"))])
    created = []
    for _ in range(4):
        created.append(dashscope.created(body(CLIP)))
        emulator.advance(10)

    def listed(does: Rows, **page: int) -> list[str]:
        emulator.set_faults([Fault(operation="list", does=does)])
        return [row["task_id"] for row in dashscope.list(**page)["data"]]

    newest_first = created[::-1]
    assert listed(Rows(how="late", seconds=15)) == newest_first[1:]
    assert listed(Rows(how="missing", count=2)) == newest_first[2:]
    assert listed(Rows(how="shifted"), page_no=2, page_size=2) == newest_first[1:3]


def test_an_upload_can_be_reset_in_the_middle(emulator: Emulator, dashscope: DashScope):
    granted = policy(dashscope)
    emulator.set_faults([Fault(operation="upload", does=Reset(), times=1)])
    with pytest.raises(httpx.TransportError):
        upload(granted, SAMPLE * 20)
    assert upload(granted).status_code == 200


def test_an_upload_can_be_refused_in_oss_words(emulator: Emulator, dashscope: DashScope):
    expired = Answer(status=403, code="AccessDenied", message="Invalid according to Policy: Policy expired.")
    emulator.set_faults([Fault(operation="upload", does=expired)])
    answer = upload(policy(dashscope))
    assert (answer.status_code, "<Message>Invalid according to Policy" in answer.text) == (403, True)


@pytest.fixture
def link(emulator: Emulator, dashscope: DashScope, media: MediaServer) -> str:
    task_id = dashscope.created(body(media.clip))
    finish(emulator)
    return dashscope.poll(task_id)["output"]["video_url"]


def spoil(emulator: Emulator, how: str, **more: object) -> None:
    emulator.set_faults([Fault(operation="result", does=File(how=how, **more), times=1)])


def test_a_download_can_break_off(emulator: Emulator, link: str):
    spoil(emulator, "truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(link)
    assert httpx.get(link).status_code == 200


def test_a_download_can_be_short_while_its_length_agrees(emulator: Emulator, link: str):
    whole = httpx.get(link)
    spoil(emulator, "short_length")
    short = httpx.get(link)
    assert len(short.content) == len(whole.content) // 2
    assert short.headers["x-oss-hash-crc64ecma"] == whole.headers["x-oss-hash-crc64ecma"]


def test_a_download_can_be_something_else(emulator: Emulator, link: str):
    def spoilt(how: str) -> httpx.Response:
        spoil(emulator, how)
        return httpx.get(link)

    whole = httpx.get(link)
    expired = spoilt("expired")
    assert (expired.status_code, "Request has expired." in expired.text) == (403, True)
    assert (spoilt("xml").status_code, spoilt("xml").text[:5]) == (200, "<?xml")
    assert "html" in spoilt("html").headers["content-type"]
    assert spoilt("empty").content == b""
    with pytest.raises(av.FFmpegError):
        av.open(io.BytesIO(spoilt("not_video").content))
    wrong = spoilt("wrong_crc")
    assert wrong.content == whole.content
    assert wrong.headers["x-oss-hash-crc64ecma"] != whole.headers["x-oss-hash-crc64ecma"]
    with av.open(io.BytesIO(whole.content)) as right, av.open(io.BytesIO(spoilt("wrong_duration").content)) as short:
        assert short.duration == pytest.approx(right.duration / 2, rel=0.1)


def test_a_download_can_be_slow(emulator: Emulator, link: str):
    spoil(emulator, "slow", seconds=0.01)
    answer = httpx.get(link)
    assert len(answer.content) == int(answer.headers["content-length"])
    spoil(emulator, "slow", seconds=10_000)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(link, timeout=0.2)


def test_a_download_can_be_sent_to_another_host(emulator: Emulator, link: str):
    spoil(emulator, "redirect")
    answer = httpx.get(link)
    assert answer.status_code == 302
    there = httpx.URL(answer.headers["location"])
    assert (there.host, there.path) == ("localhost", httpx.URL(link).path)
    spoil(emulator, "redirect", to="https://cdn.test")
    assert httpx.get(link).headers["location"].startswith("https://cdn.test/dashscope-result-sgp/")


def test_faults_can_be_aimed(emulator: Emulator, dashscope: DashScope, apiyi: Apiyi):
    struck = Answer(status=500, when="before")

    def refused(fault: Fault) -> list[bool]:
        emulator.set_faults([fault])
        emulator.advance(1)
        asked = (
            dashscope.create(body(CLIP, prompt="a red jacket")),
            dashscope.create(body(CLIP, prompt="a blue jacket")),
            apiyi.create(body(CLIP, IMAGE, model="happyhorse-1.0-video-edit", prompt="a red hat")),
        )
        return [answer.status_code == 500 for answer in asked]

    assert refused(Fault(operation="create", does=struck, provider="apiyi")) == [False, False, True]
    assert refused(Fault(operation="create", does=struck, model="wan2.7-videoedit")) == [True, True, False]
    assert refused(Fault(operation="create", does=struck, prompt="RED")) == [True, False, True]
    assert refused(Fault(operation="create", does=struck, nth=[2])) == [False, True, False]
    assert refused(Fault(operation="create", does=struck, times=2)) == [True, True, False]
    assert refused(Fault(operation="list", does=struck)) == [False, False, False]


def test_probable_faults_strike_the_same_calls_in_every_run(emulator: Emulator, dashscope: DashScope):
    def struck() -> list[int]:
        emulator.set_faults([Fault(operation="limits", does=Answer(status=500), probability=0.4)])
        return [dashscope.get("models/limits").status_code for _ in range(40)]

    first = struck()
    assert first == struck()
    assert math.isclose(first.count(500) / 40, 0.4, abs_tol=0.25)


def test_several_faults_may_strike_one_call(emulator: Emulator, dashscope: DashScope):
    emulator.set_faults(
        [
            Fault(operation="create", does=Fate(ends="failed", code="InternalError.Algo", message="no")),
            Fault(operation="create", does=Reset(when="after")),
        ]
    )
    with pytest.raises(httpx.ReadError):
        dashscope.create(body(CLIP))
    emulator.advance(RUN_SECONDS)
    assert [entry.code for entry in emulator.audit()] == ["InternalError.Algo"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"operation": "create", "does": {"kind": "answer", "statsu": 500}}, "statsu"),
        ({"operation": "result", "does": {"kind": "fate", "ends": "failed"}}, "is for create, not for result"),
    ],
)
def test_what_is_no_fault_is_refused(fault: dict, words: str):
    with pytest.raises(ValidationError, match=words):
        Fault.model_validate(fault)


def test_a_client_that_hangs_up_while_sending_leaves_no_trace(emulator: Emulator, dashscope: DashScope):
    address = httpx.URL(emulator.url)
    head = f"POST /api/v1/{SYNTHESIS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 900\r\n\r\n"
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(head.encode() + b'{"model"')
    assert dashscope.create(body(CLIP)).status_code == 200
    assert len(emulator.audit()) == 1
