"""Every way a call can go wrong, at both providers: told by its cause, and for a create by what it may cost."""

import asyncio
import io

import pytest

from blocks.clients import transport
from blocks.clients.apiyi import ApiyiClient
from blocks.clients.dashscope import DashScopeClient
from blocks.clients.transport import CallFailed
from deployments.emulator import WAN, Answer, Delay, Fault, Garble, Hang, Reset
from flows.rules.failures import Cause, Failure, Outcome, create_outcome
from tests.conftest import KEY

pytestmark = pytest.mark.anyio

PLAN_TEXT = "You exceeded your current quota, please check your plan and billing details."
DOWNLOAD_TEXT = "Unable to download the media resource during the data inspection process."
EXPIRED_TEXT = "Invalid according to Policy: Policy expired."
PAGE = "<html><body>Bad gateway</body></html>"

REFUSALS = [
    (429, "Throttling.RateQuota", "Requests rate limit exceeded", Cause.THROTTLED),
    (429, "Throttling.AllocationQuota", PLAN_TEXT, Cause.BILLING),
    (429, "PostpaidBillOverdue", "The postpaid bill is overdue.", Cause.BILLING),
    (400, "Arrearage", "Access denied, please make sure your account is in good standing.", Cause.BILLING),
    (401, "InvalidApiKey", "Invalid API-key provided.", Cause.CREDENTIALS),
    (403, "AccessDenied", "Access denied.", Cause.FORBIDDEN),
    (404, "ModelNotFound", "Model can not be found.", Cause.FORBIDDEN),
    (400, "InvalidParameter", "url error, please check url！", Cause.INVALID),
    (400, "DataInspectionFailed", "Green net check failed for text (input)", Cause.MODERATION),
    (400, "InvalidParameter.DataInspection", DOWNLOAD_TEXT, Cause.MEDIA_UNREACHABLE),
    (200, "Throttling.RateQuota", "Requests rate limit exceeded", Cause.THROTTLED),
    (200, "InvalidParameter", "Field required: input.media", Cause.INVALID),
]
FAULTS_OF_SERVERS = [
    (Answer(status=500, code="InternalError"), Cause.PROVIDER_FAULT),
    (Answer(status=500, code="InternalError.Timeout"), Cause.TIMED_OUT),
    (Answer(status=503, code="ModelUnavailable"), Cause.PROVIDER_FAULT),
    (Answer(status=504, body=PAGE), Cause.PROVIDER_FAULT),
    (Answer(status=200, code="InternalError"), Cause.PROVIDER_FAULT),
    (Answer(status=408, body=PAGE), Cause.NO_ANSWER),
    (Answer(status=200, body=""), Cause.NONSENSE),
    (Answer(status=200, body="[]"), Cause.NONSENSE),
    (Reset(), Cause.NO_ANSWER),
]
SPOILT = ("truncated", "html", "duplicate_keys")
OPERATIONS = ("get", "list", "cancel", "policy", "limits")


@pytest.fixture(params=["dashscope", "apiyi"])
def either(request):
    """One provider's client after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def impatient(monkeypatch):
    """Makes clients opened from now on give up at once, for those tests only whose provider never answers."""
    for name in ("READ_SECONDS", "CREATE_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(transport, name, 0.2)


async def refusal(emulator, fault, call) -> Failure:
    emulator.set_faults([fault])
    with pytest.raises(CallFailed) as caught:
        await call
    assert KEY not in str(caught.value)
    return caught.value.failure


@pytest.mark.parametrize(("status", "code", "message", "cause"), REFUSALS)
async def test_a_refused_create_has_made_nothing(either, emulator, edit, status, code, message, cause):
    answer = Answer(status=status, code=code, message=message)
    failure = await refusal(emulator, Fault(operation="create", does=answer), either.create(edit()))
    assert (failure.cause, failure.code, failure.message) == (cause, code, message)
    assert failure.status == (400 if status == 200 else status)
    assert failure.request_id
    assert create_outcome(failure) is Outcome.REFUSED
    assert emulator.audit() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("does", "cause"), [*FAULTS_OF_SERVERS, *((Garble(how=how), Cause.NONSENSE) for how in SPOILT)], ids=str
)
async def test_a_create_without_a_clear_answer_may_have_been_paid(either, emulator, edit, does, cause, when):
    if "when" in type(does).model_fields:
        does = does.model_copy(update={"when": when})
    failure = await refusal(emulator, Fault(operation="create", does=does), either.create(edit()))
    assert failure.cause is cause
    assert create_outcome(failure) is Outcome.UNKNOWN
    # The same answer may stand over a paid provider task or over none: that is why it is UNKNOWN.
    assert len(emulator.audit()) == (0 if getattr(does, "when", "after") == "before" else 1)
    assert emulator.counters().operations[f"{_name(either)} create"].received == 1


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
async def test_a_create_that_is_never_answered_may_have_been_paid(impatient, either, emulator, edit, when, made):
    failure = await refusal(emulator, Fault(operation="create", does=Hang(when=when)), either.create(edit()))
    assert failure.cause is Cause.NO_ANSWER
    assert create_outcome(failure) is Outcome.UNKNOWN
    await asyncio.to_thread(emulator.wait, operation="create")
    assert len(emulator.audit()) == made


async def test_an_accepted_create_without_an_id_may_have_been_paid(either, emulator, edit):
    failure = await refusal(
        emulator, Fault(operation="create", does=Garble(how="without_task_id")), either.create(edit())
    )
    assert (failure.cause, failure.code) == (Cause.NONSENSE, "NoTaskId")
    assert failure.request_id == emulator.audit()[0].request_id
    assert create_outcome(failure) is Outcome.UNKNOWN


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("does", "cause"), FAULTS_OF_SERVERS, ids=str)
async def test_a_free_call_tells_what_became_of_it(dashscope, emulator, operation, does, cause):
    failure = await refusal(emulator, Fault(operation=operation, does=does), _call(dashscope, operation))
    assert failure.cause is cause


@pytest.mark.parametrize("operation", [*OPERATIONS, "upload"])
async def test_a_free_call_is_given_up_when_no_answer_comes(impatient, dashscope, emulator, operation):
    failure = await refusal(emulator, Fault(operation=operation, does=Hang()), _call(dashscope, operation))
    assert failure.cause is Cause.NO_ANSWER


@pytest.mark.parametrize("operation", ["get", "list", "policy", "limits"])
@pytest.mark.parametrize("how", SPOILT)
async def test_a_spoilt_answer_to_a_free_call_is_nonsense(dashscope, emulator, operation, how):
    failure = await refusal(emulator, Fault(operation=operation, does=Garble(how=how)), _call(dashscope, operation))
    assert failure.cause is Cause.NONSENSE


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("status", "code", "message", "cause"), REFUSALS)
async def test_a_refused_free_call_gives_the_providers_reason(
    dashscope, emulator, operation, status, code, message, cause
):
    answer = Answer(status=status, code=code, message=message, headers={"Retry-After": "7"})
    failure = await refusal(emulator, Fault(operation=operation, does=answer), _call(dashscope, operation))
    assert (failure.cause, failure.code, failure.retry_after_seconds) == (cause, code, 7)


@pytest.mark.parametrize(("does", "cause"), FAULTS_OF_SERVERS, ids=str)
async def test_a_look_at_the_gateway_tells_what_became_of_it(apiyi, emulator, does, cause):
    failure = await refusal(emulator, Fault(operation="get", does=does), apiyi.get("hh-1"))
    assert failure.cause is cause


@pytest.mark.parametrize(
    ("does", "cause"),
    [
        (Answer(status=403, code="AccessDenied", message=EXPIRED_TEXT), Cause.THROTTLED),
        (Answer(status=403, code="AccessDenied", message="Invalid according to Policy."), Cause.FORBIDDEN),
        (Answer(status=400, code="EntityTooLarge", message="Too large."), Cause.INVALID),
        (Answer(status=503, code="SlowDown", message="Please reduce."), Cause.PROVIDER_FAULT),
    ],
)
async def test_the_stores_refusal_is_read_from_its_xml(dashscope, emulator, does, cause):
    failure = await refusal(
        emulator, Fault(operation="upload", does=does), dashscope.upload(WAN, ".mp4", io.BytesIO(b"clip"))
    )
    assert (failure.cause, failure.code, failure.message) == (cause, does.code, does.message)


@pytest.mark.parametrize("does", [Reset(), Reset(when="after")], ids=str)
async def test_an_upload_that_broke_off_stored_nothing_that_is_known(dashscope, emulator, does):
    large = dashscope.upload(WAN, ".mp4", io.BytesIO(bytes(4 << 20)))
    failure = await refusal(emulator, Fault(operation="upload", does=does), large)
    assert failure.cause is Cause.NO_ANSWER


async def test_a_policy_that_ran_out_on_the_way_is_worth_another(dashscope, emulator):
    emulator.set_faults([Fault(operation="upload", does=Delay(seconds=301), times=1)])
    late = asyncio.create_task(dashscope.upload(WAN, ".mp4", io.BytesIO(b"clip")))
    await asyncio.to_thread(emulator.wait, operation="upload", stage="received")
    emulator.advance(301)
    with pytest.raises(CallFailed) as caught:
        await late
    assert caught.value.failure.cause is Cause.THROTTLED
    assert (await dashscope.upload(WAN, ".mp4", io.BytesIO(b"clip"))).startswith("oss://")


def _name(client: DashScopeClient | ApiyiClient) -> str:
    return "apiyi" if isinstance(client, ApiyiClient) else "dashscope"


def _call(client: DashScopeClient, operation: str):
    return {
        "get": lambda: client.get("t"),
        "list": lambda: client.list_page(WAN, 1),
        "cancel": lambda: client.cancel("t"),
        "policy": lambda: client.upload(WAN, ".mp4", io.BytesIO(b"clip")),
        "limits": client.quotas,
        "upload": lambda: client.upload(WAN, ".mp4", io.BytesIO(b"clip")),
    }[operation]()
