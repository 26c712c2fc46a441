"""The journal's records: written once each, read by people as well as by the next run."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from flows.rules.budget import Cost
from flows.rules.failures import Failure
from flows.rules.job import EditJob, Provider

SCHEMA_VERSION = 1


class Writer(BaseModel):
    """Who wrote a record: enough to find the process and the flow run."""

    model_config = ConfigDict(frozen=True)

    host: str
    process: int
    flow_run: str | None = None


class _Record(BaseModel):
    # Fields a newer recut adds must not make an older one take a record for absent or broken.
    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = SCHEMA_VERSION
    attempt: int = Field(ge=1, description="Which try of the job this is about; each has one POST at most.")
    at: datetime = Field(description="When it was written, UTC, by the writer's clock.")
    by: Writer


class Endpoint(BaseModel):
    """Where a provider task lives, recorded so that a resume asks there whatever today's settings are."""

    model_config = ConfigDict(frozen=True)

    provider: Provider
    model: str
    region: str
    base_url: str
    account: str = Field(description="Alias of the account: tells keys apart without telling the key.")


class Intent(_Record):
    """About to POST. Whoever creates this record owns exactly one POST; nobody else ever sends it."""

    kind: Literal["intent"] = "intent"
    job_key: str
    name: str
    job: EditJob
    endpoint: Endpoint
    parameters: dict[str, Any]
    media: dict[str, str] = Field(description="Content identity of the clip and of each reference image.")
    clip_seconds: float | None
    clip_has_sound: bool | None = None
    estimate: Cost
    not_after: datetime = Field(description="Past this moment the owner no longer posts and has its answer or none.")


class Submitted(_Record):
    """The provider accepted: its id, and how it was learned."""

    kind: Literal["submitted"] = "submitted"
    provider_task_id: str
    request_id: str | None = None
    adopted: bool = Field(default=False, description="True when found in the provider's list after a lost answer.")


class Refused(_Record):
    """The POST provably made nothing."""

    kind: Literal["refused"] = "refused"
    failure: Failure


class Unanswered(_Record):
    """The POST may have made a provider task; nobody may post again before that is known or decided."""

    kind: Literal["unanswered"] = "unanswered"
    failure: Failure


class Decided(_Record):
    """What a person, or the policy a person set, decided about a held job."""

    kind: Literal["decided"] = "decided"
    decision: Literal["recreate", "abandon"]
    reason: str


class Settled(_Record):
    """How the provider task ended."""

    kind: Literal["settled"] = "settled"
    state: Literal["published", "failed", "expired", "cancelled"]
    result: str | None = Field(default=None, description="Address of the published result.")
    sidecar: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    cost: Cost | None = None
    run_seconds: float | None = Field(default=None, description="Provider seconds from start to end of the run.")
    notes: list[str] = Field(default_factory=list, description="What a person may want to look at; the sidecar's too.")
    failure: Failure | None = None


Record = Intent | Submitted | Refused | Unanswered | Decided | Settled
#: Reads any record back by its ``kind``.
RECORD: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="kind")])
