"""What a provider's answer means for the money: every documented code, and the traps between them."""

from itertools import product
from typing import NamedTuple

import pytest

from flows.rules.failures import (
    Cause,
    Failure,
    Outcome,
    advice,
    classify,
    create_outcome,
    may_post_again,
    may_read_again,
    may_recreate,
    stops_the_account,
)


class Row(NamedTuple):
    """A documented refusal of a create.

    Attributes:
        code: The provider's code.
        status: HTTP status it is documented under.
        message: Words it is documented with.
        cause: Why, as recut should tell it.
        again: Whether the same run may post again.
        recreate: Whether a FAILED provider task with this code is worth another one.
    """

    code: str | None
    status: int
    message: str
    cause: Cause
    again: bool = False
    recreate: bool = False


LATER = "please try again later."
BILL = "You exceeded your current quota, please check your plan and billing details."
FREE = "Free allocated quota exceeded."
NO_DOWNLOAD = "Unable to download the media resource during the data inspection process."
SLOW_DOWNLOAD = "Download the media resource timed out during the data inspection process."
BAD_MEDIA = "The media format is not supported or incorrect for the data inspection."
NO_LENGTH = "Missing Content-Length of multimodal url."

PASSING = {"again": True, "recreate": True}
DASHSCOPE = [
    Row("Throttling", 429, "Requests throttling triggered.", Cause.THROTTLED, **PASSING),
    Row("Throttling.RateQuota", 429, f"Requests rate limit exceeded, {LATER}", Cause.THROTTLED, **PASSING),
    Row("limit_requests", 429, "You have exceeded your request limit.", Cause.THROTTLED, **PASSING),
    Row("Throttling.BurstRate", 429, "Request rate increased too quickly.", Cause.THROTTLED, **PASSING),
    Row("Throttling.AllocationQuota", 429, "Allocated quota exceeded, please increase it.", Cause.THROTTLED, **PASSING),
    Row("Throttling.AllocationQuota", 400, "Allocated quota exceeded, please increase it.", Cause.THROTTLED, **PASSING),
    Row("insufficient_quota", 429, "Allocated quota exceeded, please increase it.", Cause.THROTTLED, **PASSING),
    Row("Throttling.AllocationQuota", 429, BILL, Cause.BILLING),
    Row("Throttling.AllocationQuota", 429, FREE, Cause.BILLING),
    Row("insufficient_quota", 429, BILL, Cause.BILLING),
    Row("AllocationQuota.FreeTierOnly", 403, "The free tier of the model has been exhausted.", Cause.BILLING),
    Row("CommodityNotPurchased", 429, "Commodity has not purchased yet.", Cause.BILLING),
    Row("PrepaidBillOverdue", 429, "The prepaid bill is overdue.", Cause.BILLING),
    Row("PostpaidBillOverdue", 429, "The postpaid bill is overdue.", Cause.BILLING),
    Row("Arrearage", 400, "Access denied, please make sure your account is in good standing.", Cause.BILLING),
    Row("AccessDenied.Unpurchased", 403, "Access to model denied.", Cause.BILLING),
    Row("InvalidApiKey", 401, "Invalid API-key provided.", Cause.CREDENTIALS),
    Row("NOT AUTHORIZED", 401, "Access denied: not authorized to access this workspace.", Cause.CREDENTIALS),
    Row("AccessDenied", 403, "current user api does not support synchronous calls.", Cause.FORBIDDEN),
    Row("Model.AccessDenied", 403, "Model access denied.", Cause.FORBIDDEN),
    Row("Workspace.AccessDenied", 403, "Workspace access denied.", Cause.FORBIDDEN),
    Row("ModelNotFound", 404, "Model can not be found.", Cause.FORBIDDEN),
    Row("WorkSpaceNotFound", 404, "WorkSpace can not be found.", Cause.FORBIDDEN),
    Row("NotFound", 404, "Not found!", Cause.FORBIDDEN),
    Row("InvalidParameter", 400, "Field required: input.media", Cause.INVALID),
    Row("InvalidParameter", 400, "url error, please check url！ For details, see: https://x", Cause.INVALID),
    Row("InvalidParameter.DataInspection", 400, NO_DOWNLOAD, Cause.MEDIA_UNREACHABLE, **PASSING),
    Row("InvalidParameter.DataInspection", 400, SLOW_DOWNLOAD, Cause.MEDIA_UNREACHABLE, **PASSING),
    Row("InvalidParameter.DataInspection", 400, BAD_MEDIA, Cause.INVALID),
    Row("InvalidURL", 400, "Required URL is missing or invalid.", Cause.INVALID),
    Row("InvalidURL.Timeout", 400, "Download the file timeout.", Cause.MEDIA_UNREACHABLE, **PASSING),
    Row("InvalidURL.ConnectionRefused", 400, "Connection refused.", Cause.MEDIA_UNREACHABLE, **PASSING),
    Row("BadRequest.InputDownloadFailed", 400, "Failed to download it.", Cause.MEDIA_UNREACHABLE, **PASSING),
    Row("InvalidFile.DownloadFailed", 400, "Failed to download it.", Cause.MEDIA_UNREACHABLE, **PASSING),
    *(
        Row(f"InvalidFile.{what}", 400, "The file must be otherwise.", Cause.INVALID)
        for what in (
            *("Resolution", "FPS", "Size", "Duration", "AspectRatio"),
            *("Format", "Openerror", "Content", "ImageSize"),
        )
    ),
    Row("InvalidImage.FileFormat", 400, "Invalid image type.", Cause.INVALID),
    *(
        Row(f"BadRequest.{what}", 400, "Required input parameter missing.", Cause.INVALID)
        for what in ("EmptyInput", "EmptyModel", "EmptyParameters", "IllegalInput", "TooLarge")
    ),
    Row("DataInspectionFailed", 400, "Input data may contain inappropriate content.", Cause.MODERATION),
    Row("DataInspectionFailed", 400, "Green net check failed for image (input).", Cause.MODERATION),
    Row("IPInfringementSuspect", 400, "Input data is suspected of IP infringement.", Cause.MODERATION),
    Row("CustomRoleBlocked", 400, "custom rule", Cause.MODERATION),
    Row("FaqRuleBlocked", 400, "custom rule", Cause.MODERATION),
    Row("UnsupportedOperation", 400, "Failed to cancel the task.", Cause.INVALID),
    Row("InternalError", 500, "An internal error has occured.", Cause.PROVIDER_FAULT, recreate=True),
    Row("InternalError.Algo", 500, "inference internal error.", Cause.PROVIDER_FAULT, recreate=True),
    Row("InternalError.Algo", 500, NO_LENGTH, Cause.MEDIA_UNREACHABLE, recreate=True),
    Row("InternalError.Upload", 500, "Failed to upload result.", Cause.PROVIDER_FAULT, recreate=True),
    Row("InternalError.FileUpload", 500, "oss upload error.", Cause.PROVIDER_FAULT, recreate=True),
    Row("InternalError.Timeout", 500, "internal timeout", Cause.TIMED_OUT, recreate=True),
    Row("SystemError", 500, LATER, Cause.PROVIDER_FAULT, recreate=True),
    Row("ModelServiceFailed", 500, LATER, Cause.PROVIDER_FAULT, recreate=True),
    Row("RequestTimeOut", 500, LATER, Cause.PROVIDER_FAULT, recreate=True),
    Row("ResponseTimeout", 500, LATER, Cause.PROVIDER_FAULT, recreate=True),
    Row("ModelServingError", 500, "Too many requests.", Cause.PROVIDER_FAULT, recreate=True),
    Row("ModelServingError", 503, "Too many requests.", Cause.PROVIDER_FAULT, recreate=True),
    Row("ModelUnavailable", 503, LATER, Cause.PROVIDER_FAULT, recreate=True),
    Row("ServiceUnavailable", 503, LATER, Cause.PROVIDER_FAULT, recreate=True),
    Row("GatewayTimeout", 504, LATER, Cause.PROVIDER_FAULT, recreate=True),
]
APIYI = [
    Row("task_error", 400, "cannot unmarshal string into Go struct field of type int", Cause.INVALID),
    Row("parse_request_failed", 400, "bad body", Cause.INVALID),
    Row("build_request_failed", 400, "bad body", Cause.INVALID),
    Row("build_request_failed", 500, "missing video", Cause.INVALID),
    Row("invalid_api_key", 401, "Incorrect API key provided.", Cause.CREDENTIALS),
    Row(None, 401, "invalid token", Cause.CREDENTIALS),
    Row(None, 403, "the prompt contains sensitive words", Cause.MODERATION),
    Row(None, 403, "this token has no access to the group", Cause.FORBIDDEN),
    Row("insufficient_user_quota", 403, "用户额度不足", Cause.BILLING),
    Row("insufficient_user_quota", 429, "insufficient balance", Cause.BILLING),
    Row(None, 429, "insufficient balance", Cause.BILLING),
    Row(None, 429, "余额不足", Cause.BILLING),
    Row(None, 429, "rate limit exceeded", Cause.THROTTLED, **PASSING),
    Row("InvalidImageUrl", 400, "cannot fetch", Cause.MEDIA_UNREACHABLE, **PASSING),
    Row("InvalidParameter", 400, "Field required: input.media", Cause.INVALID),
    Row(None, 500, "upstream error", Cause.PROVIDER_FAULT, recreate=True),
]
DOCUMENTED = DASHSCOPE + APIYI
STATUSES = (400, 401, 403, 404, 409, 422, 425, 429, 500, 502, 503, 504, 520)
#: After these nothing can be concluded, whatever the status says.
UNSURE = {Cause.NO_ANSWER, Cause.NONSENSE, Cause.PROVIDER_FAULT, Cause.TIMED_OUT}


def of(cause: Cause, status: int | None, message: str = "") -> Failure:
    return Failure(cause=cause, code="Some", message=message, status=status)


def failure(row: Row) -> Failure:
    return of(classify(row.code, row.message, row.status), row.status, row.message)


@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: f"{row.code} {row.status} {row.message[:24]}")
def test_every_documented_refusal_is_told_for_what_it_is(row):
    refused = failure(row)
    assert refused.cause is row.cause
    assert create_outcome(refused) is (Outcome.UNKNOWN if row.status >= 500 else Outcome.REFUSED)
    assert may_post_again(refused) is row.again


@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: f"{row.code} {row.status} {row.message[:24]}")
def test_a_failed_provider_task_is_tried_again_only_when_the_reason_may_pass(row):
    failed = of(classify(row.code, row.message, row.status), None)
    assert may_recreate(failed) is row.recreate


@pytest.mark.parametrize("row", [row for row in DOCUMENTED if row.code], ids=lambda row: f"{row.code} {row.status}")
def test_the_code_decides_under_whatever_status_it_travels(row):
    assert {classify(row.code, row.message, status) for status in (None, *STATUSES)} == {row.cause}


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 529])
@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NOT_SENT])
def test_a_create_answered_by_a_server_error_is_never_taken_for_refused(cause, status):
    assert create_outcome(of(cause, status)) is Outcome.UNKNOWN
    assert not may_post_again(of(cause, status))


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304])
def test_a_redirect_may_lead_to_what_the_create_has_made(status):
    assert create_outcome(of(Cause.INVALID, status)) is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_wants_the_same_request_elsewhere_was_certainly_not_acted_on(status):
    assert create_outcome(of(Cause.INVALID, status)) is Outcome.REFUSED
    assert not may_post_again(of(Cause.INVALID, status))


@pytest.mark.parametrize("status", [None, 400, 404, 429, 500])
def test_what_never_left_this_machine_was_certainly_refused(status):
    assert create_outcome(of(Cause.NOT_SENT, status)) is Outcome.REFUSED
    assert may_post_again(of(Cause.NOT_SENT, status))


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NOT_SENT])
def test_without_an_answer_nothing_is_known_of_a_create(cause):
    assert create_outcome(of(cause, None)) is Outcome.UNKNOWN


@pytest.mark.parametrize("cause", sorted(UNSURE))
@pytest.mark.parametrize("status", [200, 202, 400, 404, 408, 429])
def test_an_unreadable_answer_proves_nothing_under_any_status(cause, status):
    assert create_outcome(of(cause, status)) is Outcome.UNKNOWN


def test_a_request_timeout_of_the_gateway_proves_nothing_though_it_is_a_client_error():
    assert create_outcome(of(classify(None, "", 408), 408)) is Outcome.UNKNOWN


def test_posting_again_is_only_ever_allowed_after_a_certain_refusal():
    for cause, status in product(Cause, (None, 200, *STATUSES)):
        if may_post_again(of(cause, status)):
            assert create_outcome(of(cause, status)) is Outcome.REFUSED


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, Cause.INVALID),
        (401, Cause.CREDENTIALS),
        (402, Cause.BILLING),
        (403, Cause.FORBIDDEN),
        (404, Cause.FORBIDDEN),
        (408, Cause.NO_ANSWER),
        (413, Cause.INVALID),
        (425, Cause.THROTTLED),
        (429, Cause.THROTTLED),
        (500, Cause.PROVIDER_FAULT),
        (503, Cause.PROVIDER_FAULT),
    ],
)
@pytest.mark.parametrize("code", [None, "SomethingNew", "throttlingx", "InvalidParameterX"])
def test_an_unknown_code_leaves_the_decision_to_the_status(code, status, cause):
    assert classify(code, "", status) is cause


def test_a_failed_provider_task_without_a_reason_is_worth_one_more():
    assert classify(None, "") is Cause.UNEXPLAINED
    assert may_recreate(of(Cause.UNEXPLAINED, None))


def test_the_same_code_means_the_bill_or_the_rate_by_its_words_in_any_letter_case():
    assert classify("Throttling.AllocationQuota", BILL.upper(), 429) is Cause.BILLING
    assert classify("Throttling.AllocationQuota", "", 429) is Cause.THROTTLED


def test_a_parameters_billing_like_words_do_not_outweigh_a_known_code():
    assert classify("InvalidParameter", "white balance must be a number", 400) is Cause.INVALID
    assert classify("InternalError", "bill overdue", 500) is Cause.PROVIDER_FAULT


def test_an_overdue_bill_behind_a_server_error_is_still_unknown():
    broken = of(classify(None, "balance too low", 500), 500)
    assert broken.cause is Cause.PROVIDER_FAULT
    assert create_outcome(broken) is Outcome.UNKNOWN


def test_only_key_and_bill_stop_the_whole_account():
    assert {cause for cause in Cause if stops_the_account(of(cause, 400))} == {Cause.CREDENTIALS, Cause.BILLING}


def test_free_calls_are_repeated_unless_they_can_only_fail_again():
    never = {cause for cause in Cause if not may_read_again(of(cause, None))}
    assert never == {Cause.CREDENTIALS, Cause.BILLING, Cause.INVALID, Cause.MODERATION}


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_advice(cause):
    assert len(advice(of(cause, None))) > 20


def test_a_failure_reads_as_code_and_words():
    assert str(of(Cause.INVALID, 400, "no such thing")) == "Some: no such thing"
    assert str(of(Cause.INVALID, 400)) == "Some"
