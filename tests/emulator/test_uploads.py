"""The temporary store: policies that are enforced, and addresses bound to account and model."""

import base64
import json

import httpx
import pytest

from deployments.emulator import HAPPYHORSE, WAN, Emulator
from tests.emulator.asking import SAMPLE, DashScope, body, finish, form, policy, upload
from tests.emulator.conftest import quick_config

RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


def test_a_policy_reads_as_recorded(dashscope: DashScope):
    answer = dashscope.get("uploads", params={"action": "getPolicy", "model": WAN}).json()
    data = answer["data"]
    assert data["upload_dir"].startswith("dashscope-instant/")
    assert data["upload_dir"].endswith(answer["request_id"])
    assert (data["expire_in_seconds"], data["max_file_size_mb"], data["capacity_limit_mb"]) == (300, 100, 999999999)
    assert (data["x_oss_object_acl"], data["x_oss_forbid_overwrite"]) == ("private", "true")
    decoded = json.loads(base64.b64decode(data["policy"]))
    assert ["content-length-range", 0, 100 * 1024 * 1024] in decoded["conditions"]
    assert ["starts-with", "$key", data["upload_dir"]] in decoded["conditions"]
    assert policy(dashscope)["upload_dir"] != data["upload_dir"]


def test_an_uploaded_clip_is_edited(emulator: Emulator, dashscope: DashScope):
    granted = policy(dashscope)
    stored = upload(granted)
    assert (stored.status_code, stored.content) == (200, b"")
    task_id = dashscope.created(body(f"oss://{granted['upload_dir']}/clip.mp4"), **RESOLVE)
    finish(emulator)
    assert dashscope.status(task_id) == "SUCCEEDED"


def test_without_a_wanted_status_the_answer_is_204(dashscope: DashScope):
    assert upload(policy(dashscope), success_action_status=None).status_code == 204


def test_a_policy_is_good_for_five_minutes(emulator: Emulator, dashscope: DashScope):
    granted = policy(dashscope)
    emulator.advance(299)
    assert upload(granted).status_code == 200
    emulator.advance(2)
    late = upload(granted, name="late.mp4")
    assert (late.status_code, late.headers["content-type"]) == (403, "application/xml")
    assert "<Code>AccessDenied</Code>" in late.text
    assert "Invalid according to Policy: Policy expired." in late.text


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Signature": "bm9uc2Vuc2U="}, 403, "SignatureDoesNotMatch"),
        ({"OSSAccessKeyId": "LTAIother"}, 403, "InvalidAccessKeyId"),
        ({"policy": base64.b64encode(b"{}").decode()}, 403, "SignatureDoesNotMatch"),
        ({"key": "elsewhere/clip.mp4"}, 403, "AccessDenied"),
        ({"x-oss-object-acl": "public-read"}, 403, "AccessDenied"),
        ({"x-oss-forbid-overwrite": None}, 403, "AccessDenied"),
        ({"key": None}, 400, "InvalidArgument"),
    ],
)
def test_a_form_that_breaks_its_policy_is_refused(dashscope: DashScope, changes: dict, status: int, code: str):
    answer = upload(policy(dashscope), **changes)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text


def test_a_file_over_the_announced_size_is_refused():
    with Emulator(quick_config(upload_megabytes=1)) as emulator, DashScope(emulator) as client:
        granted = policy(client)
        assert granted["max_file_size_mb"] == 1
        answer = upload(granted, b"\0" * (1024 * 1024 + 1))
        assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)


def test_a_key_can_be_written_once(dashscope: DashScope):
    granted = policy(dashscope)
    assert upload(granted).status_code == 200
    again = upload(granted)
    assert again.status_code == 409
    assert "<Code>FileAlreadyExists</Code>" in again.text


def test_fields_after_the_file_do_not_count(dashscope: DashScope):
    granted = policy(dashscope)
    fields = form(granted)
    key = fields.pop("key")
    parts = [(name, (None, value)) for name, value in fields.items()]
    parts += [("file", ("clip.mp4", SAMPLE)), ("key", (None, key))]
    answer = httpx.post(granted["upload_host"], files=parts)
    assert (answer.status_code, "the field key" in answer.text) == (400, True)


def test_an_upload_needs_the_resolve_header(dashscope: DashScope):
    answer = dashscope.create(body("oss://dashscope-instant/a/b/c/clip.mp4"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter_error")


def test_an_upload_is_bound_to_account_and_model_and_lives_two_days(emulator: Emulator, dashscope: DashScope):
    granted = policy(dashscope)
    upload(granted)
    asked = body(f"oss://{granted['upload_dir']}/clip.mp4")
    dashscope.created({**asked, "model": HAPPYHORSE, "input": {**asked["input"], "prompt": "x"}}, **RESOLVE)
    DashScope(emulator, "sk-other").created(asked, **RESOLVE)
    emulator.wait(status="FAILED", count=2)
    emulator.advance(48 * 3600)
    late = dashscope.created(asked, **RESOLVE)
    emulator.wait(status="FAILED", count=3)
    assert dashscope.poll(late)["output"]["code"] == "InvalidParameter.DataInspection"


def test_policies_have_a_rate_of_their_own(dashscope: DashScope):
    statuses = [dashscope.get("uploads", params={"action": "getPolicy", "model": WAN}).status_code for _ in range(101)]
    assert (statuses.count(200), statuses[-1]) == (100, 429)
