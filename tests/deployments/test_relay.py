"""The relay over a real socket: what wakes, who is refused, and that nothing breaks it."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.relay.app import MOST_BYTES
from tests.deployments.standing import eventually, free_port, is_healthy
from tests.recorder import Asked, Recorder, Reply

TOKEN = "the-token-of-the-relay"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WHERE = {"bucket": {"name": "videos"}, "object": {"key": "inbox/a clip.mp4"}}
ENCODED = {"bucket": {"name": "videos"}, "object": {"key": "inbox%2Fa+clip.mp4"}}
S3 = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": ENCODED}]}
MINIO = {
    "EventName": "s3:ObjectCreated:CompleteMultipartUpload",
    "Key": "videos/inbox/a clip.mp4",
    "Records": [{"eventName": "s3:ObjectCreated:CompleteMultipartUpload", "s3": ENCODED}],
}
OSS = {"events": [{"eventSource": "acs:oss", "eventName": "ObjectCreated:PutObject", "oss": WHERE}]}
FORMS = {
    "S3": S3,
    "MinIO": MINIO,
    "S3 by SNS": {"Type": "Notification", "Message": json.dumps(S3)},
    "AWS EventBridge": {"source": "aws.s3", "detail-type": "Object Created", "detail": WHERE},
    "OSS": OSS,
    "OSS by MNS": {"TopicName": "drops", "Message": base64.b64encode(json.dumps(OSS).encode()).decode()},
    "OSS by EventBridge": {"source": "acs.oss", "type": "oss:ObjectCreated:PutObject", "data": {"oss": WHERE}},
}
FINISHED = {
    "type": "dashscope:System:AsyncTaskFinish",
    "source": "acs.dashscope",
    "data": {"task_id": "0385dc79-5ff8-4d82-bcb6-000000000000", "task_status": "SUCCEEDED", "contain_result": False},
}


def prefect_takes(asked: Asked) -> Reply:
    """Answers as a Prefect server that knows no protection against forged requests."""
    return Reply(status=404) if asked.path.startswith("/api/csrf-token") else Reply()


class Relay:
    """The relay's process, and the Prefect server that it tells."""

    def __init__(self, port: int, server: Recorder) -> None:
        self.port = port
        self.server = server

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("POST", "/", body, BEARER if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def tell(self, notice: Any) -> tuple[int, Any]:
        return self.post(json.dumps(notice).encode())

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events that were sent."""
        return [event for asked in self.server.asked if asked.path == "/api/events" for event in asked.json]


@pytest.fixture(scope="module")
def _relay() -> Iterator[Relay]:
    port = free_port()
    with Recorder() as server:
        environment = os.environ | {
            "PREFECT_API_URL": f"{server.url}/api",
            "PREFECT_CLIENT_MAX_RETRIES": "0",
            "RECUT_RELAY_TOKEN": TOKEN,
            "RECUT_RELAY_PORT": str(port),
            "RECUT_INBOX": "s3://videos/inbox",
        }
        process = subprocess.Popen([sys.executable, "-m", "deployments.relay"], env=environment)
        try:
            eventually(lambda: is_healthy(f"http://127.0.0.1:{port}"), "the relay answers")
            yield Relay(port, server)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def relay(_relay: Relay) -> Relay:
    _relay.server.asked.clear()
    _relay.server.reply = prefect_takes
    return _relay


@pytest.mark.parametrize("notice", FORMS.values(), ids=FORMS.keys())
def test_an_object_created_in_the_inbox_wakes_it(relay, notice):
    assert relay.tell(notice) == (202, {"woken": ["recut.inbox"]})
    (event,) = relay.events
    assert (event["event"], event["resource"]["prefect.resource.id"]) == ("recut.inbox.changed", "recut.inbox")
    assert event["payload"] == {"inbox": "s3://videos/inbox"}


def test_a_provider_task_that_is_over_is_told_by_its_id(relay):
    provider_task_id = FINISHED["data"]["task_id"]
    assert relay.tell(FINISHED) == (202, {"woken": [f"recut.provider-task.{provider_task_id}"]})
    (event,) = relay.events
    assert event["event"] == "recut.provider-task.finished"
    assert event["payload"] == {"provider_task_id": provider_task_id}


@pytest.mark.parametrize(
    "notice",
    [
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": WHERE | {"bucket": {"name": "other"}}}]},
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": WHERE | {"object": {"key": "inbox-old/clip.mp4"}}}]},
        {"Records": [{"eventName": "ObjectRemoved:Delete", "s3": WHERE}]},
        {"Records": []},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "videos"},
        FINISHED | {"type": "dashscope:System:SomethingElse"},
    ],
)
def test_what_has_nothing_to_do_with_the_inbox_wakes_nothing(relay, notice):
    assert relay.tell(notice) == (202, {"woken": []})
    assert relay.events == []


def test_a_sender_shows_that_it_knows_the_token_in_one_of_three_ways(relay):
    body = json.dumps(S3).encode()
    signature = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    basic = base64.b64encode(f"recut:{TOKEN}".encode()).decode()
    for headers in (BEARER, {"Authorization": f"Basic {basic}"}, {"X-Recut-Signature": f"sha256={signature}"}):
        assert relay.post(body, headers)[0] == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Token {TOKEN}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
        {"X-Recut-Signature": "sha256=" + hmac.new(TOKEN.encode(), b"another body", hashlib.sha256).hexdigest()},
        {"X-Recut-Signature": "sha256="},
    ],
)
def test_a_sender_that_does_not_know_the_token_is_refused(relay, headers):
    status, answer = relay.post(json.dumps(S3).encode(), headers)
    assert status == 401
    assert TOKEN not in json.dumps(answer)
    assert relay.events == []


def test_a_notice_that_is_too_long_is_refused_whatever_it_announces(relay):
    padded = json.dumps(S3 | {"padding": "x" * MOST_BYTES}).encode()
    assert relay.post(padded)[0] == 413
    chunks = iter([padded[start : start + 50_000] for start in range(0, len(padded), 50_000)])
    with closing(http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)) as connection:
        connection.request("POST", "/", chunks, BEARER, encode_chunked=True)
        assert connection.getresponse().status == 413
    assert relay.events == []


def test_a_burst_becomes_few_events_and_every_sender_is_told_only_after_one_that_came_later(relay):
    turns: list[float] = []

    def slowly(asked: Asked) -> Reply:
        turns.append(time.monotonic())
        return prefect_takes(asked)

    relay.server.reply = slowly
    began: dict[int, float] = {}
    answered: dict[int, float] = {}

    def tell(number: int) -> None:
        began[number] = time.monotonic()
        assert relay.tell(S3)[0] == 202
        answered[number] = time.monotonic()

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(relay.events) < 10
    assert all(any(began[number] < turn < answered[number] for turn in turns) for number in range(60))


def test_when_prefect_takes_no_events_the_sender_is_asked_to_come_again(relay):
    relay.server.reply = lambda _: Reply(status=500)
    assert relay.tell(S3)[0] == 503
    relay.server.reply = prefect_takes
    assert relay.tell(S3)[0] == 202


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["inbox/", "videos"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text() | st.sampled_from(["Records", "events", "s3", "oss", "data", "detail", "type", "Message"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
#: Known notices in which one byte was changed, cut or doubled.
SPOILED = st.builds(
    lambda notice, at, what: notice[: at % len(notice)] + what + notice[at % len(notice) + 1 :],
    st.sampled_from([json.dumps(form).encode() for form in [*FORMS.values(), FINISHED]]),
    st.integers(min_value=0),
    st.binary(max_size=3),
)
DEEP = st.integers(min_value=1, max_value=100_000).map(lambda depth: b"[" * depth)
BODIES = st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()) | SPOILED | DEEP


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, knows=st.booleans())
def test_nothing_breaks_it_and_nothing_bad_becomes_an_event(relay, body, knows):
    before = len(relay.events)
    status, answer = relay.post(body, BEARER if knows else {"Authorization": "Bearer no"})
    assert status in ((202, 400) if knows else (401,))
    woken = answer["woken"] if status == 202 else []
    assert len(relay.events) - before == len(woken)


def test_without_a_good_token_it_does_not_start():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECUT_")}
    done = subprocess.run(
        [sys.executable, "-m", "deployments.relay"],
        env=environment | {"RECUT_RELAY_TOKEN": "short"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "RECUT_RELAY_TOKEN" in done.stderr
    assert "short" not in done.stderr.replace("shorter", "")
