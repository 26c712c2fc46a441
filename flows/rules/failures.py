"""What an answer or a broken connection means: why it happened, and above all whether money may be running.

Decides on the provider's code first, its HTTP status second and its words last, because codes travel under
several statuses (``Arrearage`` as 400, an overdue bill as 429) and texts carry changing tails.
Source of the codes: help.aliyun.com/zh/model-studio/error-code (2026-05-30) and
docs.apiyi.com/api-capabilities/happyhorse/overview (2026-11-20).
"""

import re
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, field_validator

from flows.rules.addresses import without_queries


class Cause(StrEnum):
    """Why a call or a provider task failed."""

    THROTTLED = "throttled"
    BILLING = "billing"
    CREDENTIALS = "credentials"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    MODERATION = "moderation"
    MEDIA_UNREACHABLE = "media_unreachable"
    PROVIDER_FAULT = "provider_fault"
    TIMED_OUT = "timed_out"
    UNEXPLAINED = "unexplained"
    NOT_SENT = "not_sent"
    NO_ANSWER = "no_answer"
    NONSENSE = "nonsense"


class Outcome(StrEnum):
    """What became of a create call that returned no provider task id."""

    REFUSED = "refused"
    UNKNOWN = "unknown"


class Failure(BaseModel):
    """One failure, as recorded and shown.

    Attributes:
        cause: Why it happened.
        code: The provider's code, or the name of what broke on the way.
        message: The provider's words, or ours where it said nothing.
        status: HTTP status, None where no answer came.
        request_id: The provider's id of the call, for its support.
        retry_after_seconds: How long the provider asks to wait, in its seconds.
    """

    model_config = ConfigDict(frozen=True)

    cause: Cause
    code: str
    message: str
    status: int | None = None
    request_id: str | None = None
    retry_after_seconds: float | None = None

    @field_validator("message")
    @classmethod
    def _no_signatures(cls, message: str) -> str:
        return without_queries(message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


#: Codes and code prefixes; the longest that fits decides.
_CODES: dict[str, Cause] = {
    "Throttling": Cause.THROTTLED,
    "limit_requests": Cause.THROTTLED,
    "insufficient_quota": Cause.THROTTLED,
    "AllocationQuota.FreeTierOnly": Cause.BILLING,
    "CommodityNotPurchased": Cause.BILLING,
    "PrepaidBillOverdue": Cause.BILLING,
    "PostpaidBillOverdue": Cause.BILLING,
    "Arrearage": Cause.BILLING,
    "AccessDenied.Unpurchased": Cause.BILLING,
    "insufficient_user_quota": Cause.BILLING,
    "InvalidApiKey": Cause.CREDENTIALS,
    "invalid_api_key": Cause.CREDENTIALS,
    "NOT AUTHORIZED": Cause.CREDENTIALS,
    "AccessDenied": Cause.FORBIDDEN,
    "Model.AccessDenied": Cause.FORBIDDEN,
    "Workspace.AccessDenied": Cause.FORBIDDEN,
    "ModelNotFound": Cause.FORBIDDEN,
    "WorkSpaceNotFound": Cause.FORBIDDEN,
    "NotFound": Cause.FORBIDDEN,
    "InvalidParameter": Cause.INVALID,
    "InvalidURL": Cause.INVALID,
    "InvalidFile": Cause.INVALID,
    "InvalidImage": Cause.INVALID,
    "BadRequest": Cause.INVALID,
    "UnsupportedOperation": Cause.INVALID,
    "task_error": Cause.INVALID,
    "parse_request_failed": Cause.INVALID,
    "build_request_failed": Cause.INVALID,
    "InvalidURL.Timeout": Cause.MEDIA_UNREACHABLE,
    "InvalidURL.ConnectionRefused": Cause.MEDIA_UNREACHABLE,
    "BadRequest.InputDownloadFailed": Cause.MEDIA_UNREACHABLE,
    "InvalidFile.DownloadFailed": Cause.MEDIA_UNREACHABLE,
    "InvalidImageUrl": Cause.MEDIA_UNREACHABLE,
    "DataInspectionFailed": Cause.MODERATION,
    "IPInfringementSuspect": Cause.MODERATION,
    "CustomRoleBlocked": Cause.MODERATION,
    "FaqRuleBlocked": Cause.MODERATION,
    "InternalError": Cause.PROVIDER_FAULT,
    "InternalError.Timeout": Cause.TIMED_OUT,
    "SystemError": Cause.PROVIDER_FAULT,
    "ModelServiceFailed": Cause.PROVIDER_FAULT,
    "ModelServingError": Cause.PROVIDER_FAULT,
    "ModelUnavailable": Cause.PROVIDER_FAULT,
    "RequestTimeOut": Cause.PROVIDER_FAULT,
    "ResponseTimeout": Cause.PROVIDER_FAULT,
    "ServiceUnavailable": Cause.PROVIDER_FAULT,
    "GatewayTimeout": Cause.PROVIDER_FAULT,
}

#: Codes that mean two things; only their words tell which.
_WORDED: tuple[tuple[str, re.Pattern[str], Cause], ...] = (
    ("Throttling.AllocationQuota", re.compile("billing details|free allocated", re.I), Cause.BILLING),
    ("insufficient_quota", re.compile("billing details|free allocated", re.I), Cause.BILLING),
    (
        "InvalidParameter.DataInspection",
        re.compile("unable to download|timed out", re.I),
        Cause.MEDIA_UNREACHABLE,
    ),
    ("InternalError.Algo", re.compile("content-length of multimodal url", re.I), Cause.MEDIA_UNREACHABLE),
)

_STATUSES: dict[int, Cause] = {
    401: Cause.CREDENTIALS,
    402: Cause.BILLING,
    403: Cause.FORBIDDEN,
    404: Cause.FORBIDDEN,
    408: Cause.NO_ANSWER,
    425: Cause.THROTTLED,
    429: Cause.THROTTLED,
}

#: Longest wait a server may ask for, in provider seconds: an absurd one would hold a slot, or outlast a result.
LONGEST_ASKED_WAIT_SECONDS = 300.0

#: Causes after which a provider task may exist, under whatever status they travel.
_PROVE_NOTHING = frozenset({Cause.NO_ANSWER, Cause.NONSENSE, Cause.PROVIDER_FAULT, Cause.TIMED_OUT})

#: Redirects that ask for the same method and body at another address (RFC 9110, 15.4.8 and 15.4.9).
_TO_BE_SENT_ELSEWHERE = frozenset({307, 308})

_OUT_OF_MONEY = re.compile(r"balance|overdue|arrears|余额|欠费|额度不足", re.I)
_SENSITIVE = re.compile(r"green net|inappropriate|sensitive|moderation|敏感", re.I)

_ADVICE: dict[Cause, str] = {
    Cause.THROTTLED: "wait a little and run it again, or lower RECUT_SUBMITS_PER_SECOND",
    Cause.BILLING: "settle the account with the provider, then run it again",
    Cause.CREDENTIALS: "check the key: key, region and address must belong together",
    Cause.FORBIDDEN: "ask the account's owner to allow this model for the key",
    Cause.INVALID: "change what the provider names, then run it again",
    Cause.MODERATION: "change the prompt or the media, or try prompt_extend: false; the same input fails again",
    Cause.MEDIA_UNREACHABLE: "check that the provider can fetch the media, then run it again",
    Cause.PROVIDER_FAULT: "the provider's own fault: run it again later",
    Cause.TIMED_OUT: "the provider gave no result within its three hours: run it again later",
    Cause.UNEXPLAINED: "the provider gave no reason; try another prompt, or ask its support with the request id",
    Cause.NOT_SENT: "check the network and the provider's address, then run it again",
    Cause.NO_ANSWER: "check the network, then run it again",
    Cause.NONSENSE: "check that the address is the provider's API, then run it again",
}


def classify(code: str | None, message: str, status: int | None = None) -> Cause:
    """Returns why a provider refused a call or failed a provider task.

    Args:
        code: The provider's own code, None where it gave none.
        message: The provider's words.
        status: HTTP status, None for a failed provider task.
    """
    if code:
        for worded, pattern, cause in _WORDED:
            if code == worded and pattern.search(message):
                return cause
        known = [known for known in _CODES if code == known or code.startswith(f"{known}.")]
        if known:
            return _CODES[max(known, key=len)]
    if status is not None and status < 500 and _OUT_OF_MONEY.search(message):
        return Cause.BILLING
    if _SENSITIVE.search(message):
        return Cause.MODERATION
    if status is None:
        return Cause.UNEXPLAINED
    if status in _STATUSES:
        return _STATUSES[status]
    return Cause.PROVIDER_FAULT if status >= 500 else Cause.INVALID


def create_outcome(failure: Failure) -> Outcome:
    """Returns whether a create that brought no id provably made nothing.

    Only three things prove it: the bytes never left, the provider itself said no with a client error, or it wants the
    same request sent elsewhere. After anything else (timeout, reset, 5xx, an answer that cannot be read, any other
    redirect, which may lead to what the request has made) a provider task may be running.
    """
    if failure.cause is Cause.NOT_SENT:
        return Outcome.REFUSED
    if failure.status is None or failure.cause in _PROVE_NOTHING:
        return Outcome.UNKNOWN
    if failure.status in _TO_BE_SENT_ELSEWHERE:
        return Outcome.REFUSED
    return Outcome.REFUSED if 400 <= failure.status < 500 else Outcome.UNKNOWN


def may_post_again(failure: Failure) -> bool:
    """Whether the same run may post a refused create again; what was never created costs nothing."""
    return create_outcome(failure) is Outcome.REFUSED and failure.cause in (
        Cause.THROTTLED,
        Cause.NOT_SENT,
        Cause.MEDIA_UNREACHABLE,
    )


def may_recreate(failure: Failure) -> bool:
    """Whether a FAILED provider task, which cost nothing, is worth another one with the same input."""
    return failure.cause in (
        Cause.THROTTLED,
        Cause.MEDIA_UNREACHABLE,
        Cause.PROVIDER_FAULT,
        Cause.TIMED_OUT,
        Cause.UNEXPLAINED,
    )


def may_read_again(failure: Failure) -> bool:
    """Whether a free call (poll, list, quota, download) is worth repeating."""
    return failure.cause not in (Cause.CREDENTIALS, Cause.BILLING, Cause.INVALID, Cause.MODERATION)


def stops_the_account(failure: Failure) -> bool:
    """Whether every further create on the same account would be refused for the same reason."""
    return failure.cause in (Cause.CREDENTIALS, Cause.BILLING)


def asked_wait(failure: Failure) -> float | None:
    """Returns how long the provider asks to wait, within reason and in its seconds; None when it asks for none."""
    return failure.retry_after_seconds and min(failure.retry_after_seconds, LONGEST_ASKED_WAIT_SECONDS)


def advice(failure: Failure) -> str:
    """Returns what a person can do about it."""
    return _ADVICE[failure.cause]
