"""Uploads that break: tried again with a fresh policy, never a reason to create anything but the one job."""

from typing import Any

import pytest

from flows.rules.states import JobState
from tests.clips import make_image
from tests.flows.trouble.desk import Desk, fault

pytestmark = pytest.mark.usefixtures("impatient")

EXPIRED = "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"


def here(desk: Desk, **fields: Any) -> dict[str, Any]:
    """A job whose media lie on this disk, so that they have to go up."""
    return desk.job(video=str(desk.media.clip), reference_images=[str(desk.media.picture)], **fields)


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "answer", "status": 403, "body": EXPIRED},
        {"kind": "answer", "status": 403, "code": "AccessDenied", "message": "no"},
        {"kind": "answer", "status": 500},
        {"kind": "reset"},
    ],
    ids=["policy expired", "refused", "500", "reset mid body"],
)
def test_an_upload_that_breaks_is_tried_again_with_a_fresh_policy(desk: Desk, effect: dict[str, Any]):
    desk.fault(fault("upload", times=1, **effect))
    job = desk.edit(**here(desk))

    assert job.state is JobState.PUBLISHED
    assert desk.asked("policy") == desk.asked("upload") == 3
    assert desk.asked("create") == 1


@pytest.mark.parametrize("kind", ["answer", "reset"])
def test_a_policy_that_cannot_be_had_at_first_is_asked_for_again(desk: Desk, kind: str):
    desk.fault(fault("policy", kind, times=1))

    assert desk.edit(**here(desk)).state is JobState.PUBLISHED
    assert desk.asked("create") == 1


def test_the_same_picture_goes_up_once_for_many_jobs(desk: Desk):
    report = desk.batch([here(desk, prompt=f"style {number}") for number in range(6)])

    assert report.succeeded == 6
    assert desk.asked("upload") == 2
    assert desk.asked("create") == 6


def test_a_file_that_changed_since_it_was_validated_is_not_sent(desk: Desk):
    other = make_image(desk.folder / "other.png", width=500)
    picture = desk.folder / "picture.png"
    picture.write_bytes(desk.media.picture.read_bytes())
    desk.fault(fault("policy", "answer", times=1))

    def change() -> None:
        desk.emulator.wait(operation="policy")
        picture.write_bytes(other.read_bytes())

    job = desk.meanwhile("turn it into claymation", change, video=desk.media.clip_url, reference_images=[str(picture)])

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "changed" in job.error.message
    assert desk.asked("create") == 0


def test_what_cannot_be_uploaded_creates_nothing_and_says_so(desk: Desk):
    desk.fault(fault("policy", "answer", status=400, code="InvalidParameter", message="model is wrong"))
    job = desk.edit(**here(desk))

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "nothing was created and nothing is billed" in job.error.message
    assert desk.asked("create") == 0
