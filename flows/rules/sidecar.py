"""The JSON beside each result: what went in, what came out, what it cost, how it was verified."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.rules.budget import Cost
from flows.rules.job import Provider


class ResultFacts(BaseModel):
    """The published file, as verified."""

    file: str = Field(description="File name, relative to the sidecar.")
    sha256: str
    size_bytes: int
    container: str
    codec: str
    duration_seconds: float
    width: int
    height: int
    frame_rate: float
    has_audio: bool


class Timings(BaseModel):
    """When the provider did what, UTC, by its own clock where it says so."""

    intent_at: datetime
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    published_at: datetime
    run_seconds: float | None = Field(default=None, description="Provider seconds from start to end of the run.")


class Sidecar(BaseModel):
    """Provenance of one result. Holds no address with a query and no secret."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    name: str
    job_key: str
    take: int
    provider: Provider
    model: str
    region: str
    account: str = Field(description="Alias of the account that paid.")
    provider_task_id: str
    request_id: str | None
    prompt: str
    negative_prompt: str | None
    video: str = Field(description="Address of the clip, without query.")
    reference_images: list[str] = Field(description="Addresses of the images, without queries.")
    media: dict[str, str] = Field(description="Content identity of each medium, by address.")
    parameters: dict[str, Any]
    clip_seconds: float | None
    estimate: Cost
    cost: Cost | None = Field(description="What the provider billed by its own usage; None when it reported none.")
    usage: dict[str, Any] = Field(description="The provider's usage object, word for word.")
    result: ResultFacts
    contact_sheet: str | None = Field(description="File name of the contact sheet, relative to the sidecar.")
    notes: list[str] = Field(description="In what the result is not as asked, or looks odd; notes, not verdicts.")
    timings: Timings
    made_by: str = Field(description="recut's version.")

    def under(self, name: str) -> "Sidecar":
        """Returns this sidecar for a copy of the result under another name."""
        stem = name.rpartition("/")[2]
        sheet = f"{stem}.jpg" if self.contact_sheet else None
        result = self.result.model_copy(update={"file": f"{stem}.mp4"})
        return self.model_copy(update={"name": name, "result": result, "contact_sheet": sheet})


def longer_name(name: str, job_key: str) -> str:
    """Returns the name of a result whose own name another file already has."""
    return f"{name}-{job_key[:8]}"
