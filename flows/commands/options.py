"""The options of the commands, in groups, and how they become the options of a run."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from flows.rules.standing import Wanted, moment
from flows.rules.states import JobState
from flows.running.settings import RunOptions

Flag = Annotated[bool, Parameter(negative=())]
Several = Annotated[list[str], Parameter(negative=())]


@Parameter(name="*")
@dataclass
class Output:
    """How a command tells what it found.

    Attributes:
        json: Print one JSON object and nothing else.
    """

    json: Flag = False

    def options(self) -> RunOptions:
        """Returns what was said, as the options of a run."""
        said = {name: value for name, value in vars(self).items() if name in RunOptions.model_fields}
        return RunOptions.model_validate({**said, "unprobed": said.get("unprobed") or None})


@Parameter(name="*")
@dataclass
class Market(Output):
    """What decides whether jobs may run, and what they cost.

    Attributes:
        provider: Who runs jobs that name no provider themselves [RECUT_PROVIDER].
        region: DashScope region, such as cn-beijing [DASHSCOPE_API_REGION].
        unprobed: Accept media URLs that only the provider can open; their price is then unknown.
    """

    provider: Literal["dashscope", "apiyi"] | None = None
    region: str | None = None
    unprobed: Flag = False


@Parameter(name="*")
@dataclass
class Folders(Output):
    """Where results and journal are.

    Attributes:
        results: Folder of the results: a path or any fsspec URL [RECUT_RESULTS].
        journal: Folder of the journal; default: .recut/journal in the results [RECUT_JOURNAL].
    """

    results: str | None = None
    journal: str | None = None


@Parameter(name="*")
@dataclass
class Filters:
    """Which jobs are shown.

    Attributes:
        state: Only jobs that are published, running, held, failed, planned, creating, expired, cancelled or
            abandoned; may be given several times.
        provider: Only jobs of this provider.
        model: Only jobs whose model's name holds this.
        since: Only jobs begun since then: 2026-11-20, "2026-11-20 14:00", or so long ago: 30m, 6h, 2d, 1w.
    """

    state: Annotated[list[JobState], Parameter(negative=())] | None = None
    provider: Literal["dashscope", "apiyi"] | None = None
    model: str | None = None
    since: str | None = None

    def wanted(self, now: datetime) -> Wanted:
        """Returns what was said, as the jobs that are wanted.

        Args:
            now: The clock, UTC, that so long ago is counted from.

        Raises:
            ValueError: The moment cannot be understood.
        """
        since = moment(self.since, now) if self.since else None
        return Wanted(states=self.state or (), provider=self.provider, model=self.model, since=since)


@Parameter(name="*")
@dataclass
class Accounts(Folders):
    """Which saved blocks a run works with.

    Attributes:
        region: DashScope region, such as cn-beijing [DASHSCOPE_API_REGION].
        credentials: Name of a saved credentials block; default: the environment's keys [RECUT_CREDENTIALS].
        storage: Name of a saved Video Storage block for the results [RECUT_STORAGE].
        staging: Where local files are copied for the provider to fetch: a bucket's URL, or the name of a saved
            Video Storage block [RECUT_STAGING].
    """

    region: str | None = None
    credentials: str | None = None
    storage: str | None = None
    staging: str | None = None


@Parameter(name="*")
@dataclass
class Planning(Accounts, Market):
    """Options of every command that validates and prices jobs.

    Attributes:
        max_cost: Most a run may spend, in the account's currency [RECUT_MAX_COST].
    """

    max_cost: Decimal | None = None


@Parameter(name="*")
@dataclass
class Running(Planning):
    """Options of every command that runs jobs.

    Attributes:
        on_unknown: When a create got no answer and nobody can tell whether it was paid: hold it until a person
            decides, or recreate it, which may pay twice [RECUT_ON_UNKNOWN].
    """

    on_unknown: Literal["hold", "recreate"] | None = None


@Parameter(name="*")
@dataclass
class Wishes:
    """What one edit may set besides its prompt.

    Attributes:
        reference: A picture the edit takes things from; may be given several times.
        model: wan2.7-videoedit or happyhorse-1.0-video-edit; default: the provider's own.
        negative_prompt: What must not appear (Wan only).
        resolution: 720P or 1080P; it decides the price.
        ratio: 16:9, 9:16, 1:1, 4:3 or 3:4 (Wan only); default: the clip's.
        duration: Cut the clip to this many seconds (Wan only); 0 keeps it.
        audio_setting: auto: the model decides about the sound; origin: keep the clip's.
        prompt_extend: Let the provider rewrite the prompt first.
        watermark: Ask for the provider's mark.
        seed: 0 to 2147483647; makes results more alike.
        take: Raise it to pay for another result of the same edit.
        name: File name of the result, without ending.
    """

    reference: Several | None = None
    model: str | None = None
    negative_prompt: str | None = None
    resolution: str | None = None
    ratio: str | None = None
    duration: int | None = None
    audio_setting: str | None = None
    prompt_extend: bool | None = None
    watermark: bool | None = None
    seed: int | None = None
    take: int | None = None
    name: str | None = None

    def fields(self) -> dict[str, Any]:
        """Returns what was said, as fields of a job."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return {("reference_images" if name == "reference" else name): value for name, value in said.items()}
