"""The providers' documented refusals: HTTP status, code and text of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorText:
    """What a provider says when it refuses.

    Attributes:
        status: HTTP status when said as an answer.
        code: The provider's code; empty where a provider task failed without one.
        message: The provider's sentence.
        kind: APIYI's `type` beside the message; unused by DashScope.
    """

    status: int
    code: str
    message: str
    kind: str = "task_error"


class RefusedError(Exception):
    """A request that the provider refuses, with what it says."""

    def __init__(self, text: ErrorText) -> None:
        super().__init__(f"{text.status} {text.code}: {text.message}")
        self.text = text


NO_KEY = ErrorText(401, "InvalidApiKey", "No API-key provided.")
WRONG_KEY = ErrorText(401, "InvalidApiKey", "Invalid API-key provided.")
WRONG_WORKSPACE = ErrorText(
    401, "NOT AUTHORIZED", "Not authorized to access this workspace, or the workspace does not exist."
)
MODEL_DENIED = ErrorText(403, "Model.AccessDenied", "Model access denied.")
MODEL_UNKNOWN = ErrorText(400, "InvalidParameter", "Model not exist.")
MODEL_NOT_FOUND = ErrorText(404, "ModelNotFound", "Model can not be found. The model is not served in this region.")
NOT_ASYNC = ErrorText(403, "AccessDenied", "current user api does not support synchronous calls.")
BAD_BODY = ErrorText(400, "InvalidParameter", "Required body invalid, please check the request body format.")
THROTTLED = ErrorText(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")
NOT_PENDING = ErrorText(
    400,
    "UnsupportedOperation",
    "Failed to cancel the task, please confirm if the task is in PENDING status.",
)
URL_ERROR = ErrorText(400, "InvalidParameter", "url error, please check url！")
OSS_UNRESOLVED = ErrorText(
    400,
    "invalid_parameter_error",
    "InternalError.Algo.InvalidParameter: The provided URL does not appear to be valid. "
    "Ensure it is correctly formatted.",
)
MEDIA_FORBIDDEN = ErrorText(
    400,
    "InvalidParameter.DataInspection",
    "Don't have authorization to access the media resource.",
)
MEDIA_UNREADABLE = ErrorText(
    400,
    "InvalidParameter.DataInspection",
    "The media format is not supported or incorrect for the data inspection.",
)
MEDIA_TIMEOUT = ErrorText(
    400,
    "InvalidParameter.DataInspection",
    "Download the media resource timed out during the data inspection process.",
)
TIMED_OUT = ErrorText(
    500,
    "InternalError.Timeout",
    "An internal timeout error has occured during execution, please try again later or contact service support.",
)
INTERNAL = ErrorText(
    500,
    "InternalError.Algo",
    "An internal error has occured during algorithm execution.",
)

APIYI_NO_KEY = ErrorText(401, "invalid_token", "No token provided.", "authentication_error")
APIYI_WRONG_KEY = ErrorText(401, "invalid_token", "Invalid token.", "authentication_error")
APIYI_THROTTLED = ErrorText(
    429, "rate_limit_exceeded", "Rate limit exceeded, please try again later.", "rate_limit_error"
)
APIYI_NO_CHANNEL = ErrorText(503, "model_not_found", "该模型无可用渠道", "task_error")
APIYI_NOT_ASYNC = ErrorText(
    400, "build_request_failed", "current user api does not support synchronous calls", "build_request_failed"
)


def download_failed(what: str, reason: str) -> ErrorText:
    """The provider could not fetch a medium: `what` is "video" or "image", `reason` the cause."""
    return ErrorText(400, "InvalidFile.DownloadFailed", f"Failed to download the input {what} file: {reason}")


def file_error(part: str, message: str) -> ErrorText:
    """A fetched medium breaks a limit: `part` is Alibaba's word, such as `Duration` or `FPS`."""
    return ErrorText(400, f"InvalidFile.{part}", message)


class DashScopeBody:
    """How DashScope refuses a request body: always 400 InvalidParameter."""

    malformed = BAD_BODY
    bad_url = URL_ERROR

    @staticmethod
    def missing(field: str) -> ErrorText:
        """A required field is absent; `field` is its dotted path."""
        return ErrorText(400, "InvalidParameter", f"Field required: {field}")

    @staticmethod
    def wrong_type(field: str, wanted: str, got: str) -> ErrorText:
        """A field has another JSON type than documented; `wanted` and `got` are Go's names."""
        return DashScopeBody.invalid(field, f"must be of type {wanted}, got {got}")

    @staticmethod
    def invalid(field: str, why: str) -> ErrorText:
        """A value breaks a documented rule."""
        return ErrorText(400, "InvalidParameter", f"the parameters must conform to the specification: {field} {why}")

    @staticmethod
    def too_many_images(most: int) -> ErrorText:
        """More reference images than the model takes."""
        return DashScopeBody.invalid("input.media", f"accepts at most {most} reference_image items")


class ApiyiBody:
    """How APIYI refuses a request body: at its own gateway for wrong types, else as the vendor's words."""

    bad_url = ErrorText(400, "InvalidParameter", "[InvalidParameter] url error, please check url！")
    malformed = ErrorText(400, "parse_request_failed", "unexpected end of JSON input", "parse_request_failed")

    @staticmethod
    def missing(field: str) -> ErrorText:
        """A required field is absent: APIYI documents 500 for missing media and 400 for the rest."""
        if field.startswith("input.media"):
            return ErrorText(
                500, "build_request_failed", f"[InvalidParameter] Field required: {field}", "build_request_failed"
            )
        return ErrorText(400, "InvalidParameter", f"[InvalidParameter] Field required: {field}")

    @staticmethod
    def wrong_type(field: str, wanted: str, got: str) -> ErrorText:
        """A field has another JSON type: the Go gateway says so in its JSON library's words."""
        return ErrorText(
            400,
            "parse_request_failed",
            f"json: cannot unmarshal {got} into Go struct field WanVideoRequest.{field} of type {wanted}",
            "parse_request_failed",
        )

    @staticmethod
    def invalid(field: str, why: str) -> ErrorText:
        """A value breaks a documented rule; the vendor's code stands in brackets."""
        return ErrorText(400, "InvalidParameter", f"[InvalidParameter] {field} {why}")

    @staticmethod
    def too_many_images(most: int) -> ErrorText:
        """More reference images than the gateway takes."""
        return ApiyiBody.invalid("input.media", f"accepts at most {most} reference_image items")


BodyTexts = type[DashScopeBody] | type[ApiyiBody]
"""How one provider words its refusals of a request body."""
