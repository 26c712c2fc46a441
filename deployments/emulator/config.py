"""What can be set about an emulator, in Python or in a YAML file."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from deployments.emulator.catalog import HAPPYHORSE, WAN
from deployments.emulator.faults import Fault
from deployments.emulator.studio import Effort


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Limits(_Settings):
    """Limits of one account, for each model apart. All seconds are provider seconds; None switches one off.

    The defaults are DashScope's published ones.
    """

    submits_per_second: int | None = Field(default=5, ge=1)
    running: int | None = Field(default=5, ge=1, description="Provider tasks that run at once.")
    queue: int | None = Field(default=500, ge=0, description="Provider tasks that wait PENDING.")
    queries_per_second: int | None = Field(
        default=20, ge=1, description="Polls, lists and cancels, each kind apart and all models together."
    )
    policies_per_second: int | None = Field(default=100, ge=1, description="Upload policies.")
    seconds_between_polls: float | None = Field(
        default=None, ge=0, description="Least time between two polls of one provider task."
    )
    wall_seconds: float | None = Field(default=3 * 3600, gt=0, description="From submit to InternalError.Timeout.")
    validity_seconds: float | None = Field(
        default=24 * 3600, gt=0, description="How long ids can be queried and results downloaded."
    )


APIYI_LIMITS = Limits(submits_per_second=8, running=10, queries_per_second=None, seconds_between_polls=3)
"""APIYI publishes no rates but its measurements: 4-8 submissions at once, at most 10 active, polls 3 s apart."""


class RunTime(_Settings):
    """How long provider tasks run, in provider seconds: lognormal, or constant without a `p95`."""

    median: float = Field(ge=0)
    p95: float | None = Field(default=None, ge=0)


class EmulatorConfig(_Settings):
    """Everything about one emulator. Nothing needs to be set.

    Example:
        ```python
        EmulatorConfig(port=0, clock_scale=60, effort="quick", run_times={WAN: RunTime(median=100)})
        ```
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8710, ge=0, le=65535, description="0 takes any free port.")
    public_url: str | None = Field(
        default=None, description="Scheme and host of the addresses it hands out; default: the request's Host."
    )
    region: str = Field(default="ap-southeast-1", description="The DashScope region it plays.")
    keys: list[SecretStr] = Field(
        default=[], description="Accepted API keys; empty accepts every key that starts with sk-."
    )
    accounts: dict[str, list[SecretStr]] = Field(
        default={}, description="Alias of a main account to its keys; a key named nowhere is its own account."
    )
    workspaces: dict[str, list[str]] = Field(
        default={}, description="Workspace id to the models granted to it; empty accepts every workspace."
    )
    data_folder: Path | None = Field(
        default=None, description="Where uploads and results lie; default: a temporary folder, removed at exit."
    )
    seed: int = 0
    clock_scale: float = Field(default=1, gt=0, description="Provider seconds in one real second.")
    clock_skew_seconds: float = Field(default=0, description="How far the provider's clock is ahead of ours.")
    effort: Effort = "full"
    workers: int = Field(default=2, ge=1, description="Edits made at the same time.")
    run_times: dict[str, RunTime] = {
        WAN: RunTime(median=200, p95=400),
        HAPPYHORSE: RunTime(median=90, p95=160),
    }
    limits: Limits = Limits()
    apiyi_limits: Limits = APIYI_LIMITS
    check_at: Literal["create", "run"] = Field(
        default="create", description="Where a wrong body is found; `run`: accepted, then FAILED."
    )
    check_media_at: Literal["create", "run"] = Field(
        default="run", description="Where media that break a limit are found."
    )
    wan_references: int = Field(
        default=3, ge=0, description="Reference images DashScope's Wan takes: 3 in early pages, 4 in later ones."
    )
    upload_megabytes: int = Field(default=100, ge=1, description="Greatest file in the temporary store.")
    upload_seconds: float = Field(default=48 * 3600, gt=0, description="How long uploads are kept.")
    apiyi_mislabels_gzip: bool = Field(
        default=True,
        description="APIYI labels its plain bodies gzip unless the client asks for `identity`.",
    )
    apiyi_failure_key: Literal["error", "fail_reason"] = Field(
        default="error", description="Where a failed APIYI poll gives the reason."
    )
    apiyi_bills_input: bool = Field(
        default=False, description="APIYI says output seconds only; Alibaba bills input and output."
    )
    faults: list[Fault] = []

    @classmethod
    def from_file(cls, path: Path) -> "EmulatorConfig":
        """Read a configuration from a YAML file.

        Raises:
            OSError: The file cannot be read.
            pydantic.ValidationError: It says something that is not a setting.
        """
        return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
