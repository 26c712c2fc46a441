"""Settings: ``RECUT_*`` variables, and the options of one run laid over them."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.rules.catalog import Catalog
from flows.rules.job import Provider

OnUnknown = Literal["hold", "recreate"]
LimitsKeeper = Literal["machine", "server"]


class RunOptions(BaseModel):
    """What one run may set for itself; whatever is left out comes from the ``RECUT_*`` environment.

    Keys are never options: they come from saved blocks or the environment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Provider | None = Field(
        default=None, title="Provider", description="Who runs jobs that name no provider themselves."
    )
    region: str | None = Field(default=None, title="Region", description="DashScope region, such as cn-beijing.")
    results: str | None = Field(
        default=None, title="Results", description="Folder of the results: a path or any fsspec URL."
    )
    journal: str | None = Field(
        default=None, title="Journal", description="Folder of the journal; default: .recut/journal in the results."
    )
    credentials: str | None = Field(
        default=None, title="Credentials", description="Name of a saved credentials block; default: the environment."
    )
    storage: str | None = Field(
        default=None, title="Storage", description="Name of a saved Video Storage block for the results."
    )
    staging: str | None = Field(
        default=None,
        title="Staging",
        description="Bucket, such as s3://bucket/prefix, or saved Video Storage block, where local files are put "
        "for the provider to fetch.",
    )
    max_cost: Decimal | None = Field(
        default=None, title="Cost cap", description="Most this run may spend, in the account's currency.", ge=0
    )
    on_unknown: OnUnknown | None = Field(
        default=None,
        title="On unknown",
        description="What to do when a create got no answer and it cannot be found out whether it was paid: "
        "hold (a person decides) or recreate (may pay twice).",
    )
    unprobed: bool | None = Field(
        default=None,
        title="Unprobed",
        description="Accept media URLs only the provider can open; their limits and price are then unknown.",
    )
    on_workers: bool | None = Field(
        default=None,
        title="On workers",
        description="Let the workers of the deployment edit-shard/shard share a batch, instead of this process.",
    )


class Settings(BaseSettings):
    """The environment's settings; every name is a ``RECUT_*`` variable."""

    model_config = SettingsConfigDict(env_prefix="RECUT_", frozen=True, env_ignore_empty=True)

    provider: Provider = Provider.DASHSCOPE
    region: str | None = Field(default=None, validation_alias="DASHSCOPE_API_REGION")
    results: str = "./results"
    journal: str | None = None
    credentials: str | None = None
    storage: str | None = None
    staging: str | None = None
    inbox: str = "./inbox"
    inbox_prompt: str | None = Field(default=None, description="Prompt of drops that bring none.")
    inbox_seconds: float = Field(default=30, gt=0, description="An inbox is listed at least this often.")
    inbox_grace_seconds: float = Field(default=120, ge=0, description="How long a clip waits for its instructions.")
    settle_seconds: float = Field(
        default=5, ge=0, description="A file in a folder is complete when it has not changed for so long."
    )
    max_cost: Decimal | None = Field(default=None, ge=0)
    on_unknown: OnUnknown = "hold"
    unprobed: bool = False
    on_workers: bool = False
    max_running: int | None = Field(
        default=None, ge=1, description="Provider tasks alive at once, per account and model."
    )
    submits_per_second: float | None = Field(default=None, gt=0)
    queries_per_second: float | None = Field(default=None, gt=0)
    limits: LimitsKeeper | None = Field(
        default=None, description="Who keeps these limits: this machine, or the Prefect server for all machines."
    )
    max_attempts: int = Field(default=2, ge=1, description="Provider tasks one job may have when they fail in passing.")
    clock_scale: float = Field(default=1, gt=0, description="Provider seconds per real second; 1 but for emulators.")
    catalog: Path | None = Field(default=None, description="YAML file that overrides numbers of the catalogue.")
    home: Path = Field(default=Path("~/.recut"), description="Where this machine's own state is kept.")

    def with_options(self, options: RunOptions) -> "Settings":
        """Returns these settings with a run's options laid over them."""
        return self.model_copy(update=options.model_dump(exclude_none=True))

    def load_catalog(self) -> Catalog:
        """Returns the catalogue, with the team's overrides.

        Raises:
            ValueError: The file cannot be read, or names what does not exist.
        """
        if self.catalog is None:
            return Catalog()
        try:
            overrides: Any = yaml.safe_load(self.catalog.expanduser().read_text())
            return Catalog().overridden(overrides)
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"RECUT_CATALOG {self.catalog}: {error}; it must be a list of entries such as "
                "{model: wan2.7-videoedit, set: {video.max_seconds: 12}}"
            ) from error
