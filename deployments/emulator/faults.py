"""Faults that can be switched on: where each applies, and what then happens.

A fault is a filter (`operation`, and optionally provider, model, part of the prompt, which call) with an
effect (`does`). Faults come from the configuration file or, at run time, from the control addresses.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deployments.emulator.catalog import Provider

Operation = Literal["create", "get", "list", "cancel", "policy", "limits", "upload", "result"]
"""What a client can ask: the provider's calls, the form upload and the download of a result."""

When = Literal["before", "after"]
"""`before`: the request is never acted on. `after`: it is acted on, then the fault happens."""


class _Effect(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Effect):
    """Answer with something else. Without a `body`, code and message stand in the provider's envelope."""

    kind: Literal["answer"] = "answer"
    status: int = 500
    code: str = "InternalError"
    message: str = "An internal error has occured, please try again later or contact service support."
    body: str | None = None
    headers: dict[str, str] = {}
    when: When = "before"


class Delay(_Effect):
    """Let so many provider seconds pass before the request is acted on, or before it is answered."""

    kind: Literal["delay"] = "delay"
    seconds: float = Field(ge=0)
    when: When = "before"


class Hang(_Effect):
    """Never answer; the connection stays open until the client gives up."""

    kind: Literal["hang"] = "hang"
    when: When = "before"


class Reset(_Effect):
    """Reset the TCP connection. An upload that is reset `before` is cut in the middle of its body."""

    kind: Literal["reset"] = "reset"
    when: When = "before"


class Garble(_Effect):
    """Spoil a JSON answer that was otherwise right."""

    kind: Literal["garble"] = "garble"
    how: Literal["truncated", "html", "without_task_id", "duplicate_keys"]


class Report(_Effect):
    """Poll only: report another state than the provider task is in; the provider task itself is untouched.

    `status` is DashScope's word (APIYI's poll translates it) or any other word, which is passed as it is.
    """

    kind: Literal["report"] = "report"
    status: str | None = None
    code: str = ""
    message: str = ""
    without_url: bool = False


class Fate(_Effect):
    """Create only: what becomes of the provider task. An empty code means FAILED without any reason."""

    kind: Literal["fate"] = "fate"
    ends: Literal["succeeded", "failed", "stays_pending", "stays_running"]
    code: str = ""
    message: str = ""
    run_seconds: float | None = Field(default=None, ge=0)


class Rows(_Effect):
    """List only: what is wrong with the rows.

    `late`: rows younger than `seconds` are not there yet. `missing`: the newest `count` rows are not there.
    `shifted`: `count` newer rows have come in since the page before, so that its last rows come again.
    """

    kind: Literal["rows"] = "rows"
    how: Literal["late", "missing", "shifted"]
    seconds: float = Field(default=10, ge=0)
    count: int = Field(default=1, ge=1)


class File(_Effect):
    """Result only: what is wrong with the download."""

    kind: Literal["file"] = "file"
    how: Literal[
        "truncated",
        "short_length",
        "expired",
        "xml",
        "html",
        "empty",
        "not_video",
        "wrong_duration",
        "wrong_crc",
        "slow",
        "redirect",
    ]
    to: str | None = Field(
        default=None, description="Redirect only: scheme and host; default: this machine by its other name."
    )
    seconds: float = Field(default=1, ge=0, description="Slow only: provider seconds per piece of 64 KiB.")


Effect = Annotated[Answer | Delay | Hang | Reset | Garble | Report | Fate | Rows | File, Field(discriminator="kind")]
"""What a fault does."""

_ONLY: dict[str, tuple[Operation, ...]] = {
    "garble": ("create", "get", "list", "cancel", "policy", "limits"),
    "report": ("get",),
    "fate": ("create",),
    "rows": ("list",),
    "file": ("result",),
}


class Fault(BaseModel):
    """One fault: where it applies and what it does. Filters left out match everything.

    Example:
        ```yaml
        faults:
          - operation: create # the first create is accepted, but the connection is reset before the answer
            times: 1
            does: {kind: reset, when: after}
          - operation: get # every tenth poll or so is throttled
            probability: 0.1
            does: {kind: answer, status: 429, code: Throttling.RateQuota, headers: {Retry-After: "2"}}
        ```
    """

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    does: Effect
    provider: Provider | None = None
    model: str | None = None
    prompt: str | None = Field(default=None, description="Part of the prompt, in any case of letters.")
    nth: list[int] | None = Field(default=None, description="Which matching calls, counted from 1.")
    times: int | None = Field(default=None, ge=1, description="Stop after it has struck so often.")
    probability: float = Field(default=1, ge=0, le=1)
    per_task: bool = Field(default=False, description="Count `nth` and `times` for each provider task alone.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        only = _ONLY.get(self.does.kind)
        if only is not None and self.operation not in only:
            raise ValueError(f"a fault of kind {self.does.kind} is for {', '.join(only)}, not for {self.operation}")
        return self


@dataclass
class _Armed:
    """A fault with its memory of calls."""

    fault: Fault
    chance: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)

    def strikes(self, task_id: str | None) -> bool:
        """Count a matching call and decide whether the fault strikes it."""
        whose = task_id or "" if self.fault.per_task else ""
        self.seen[whose] += 1
        if self.fault.nth is not None and self.seen[whose] not in self.fault.nth:
            return False
        if self.fault.times is not None and self.struck[whose] >= self.fault.times:
            return False
        if self.chance.random() >= self.fault.probability:
            return False
        self.struck[whose] += 1
        return True


class Faults:
    """The faults that are switched on.

    Args:
        faults: What to start with.
        seed: Makes the faults with a probability strike the same calls in every run.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._seed = seed
        self._armed: list[_Armed] = []
        self.set(faults)

    @property
    def active(self) -> list[Fault]:
        """The faults that are switched on, in order."""
        return [armed.fault for armed in self._armed]

    def set(self, faults: Sequence[Fault]) -> None:
        """Replace all faults; their counts start anew."""
        self._armed = [
            _Armed(fault, random.Random(f"{self._seed}/{place}"))  # noqa: S311 - repeatable on purpose
            for place, fault in enumerate(faults)
        ]

    def striking(
        self,
        operation: Operation,
        provider: Provider,
        model: str | None,
        prompt: str | None,
        task_id: str | None,
    ) -> list[Effect]:
        """The effects that strike one call, in the order of the faults."""
        return [
            armed.fault.does
            for armed in self._armed
            if armed.fault.operation == operation
            and armed.fault.provider in (None, provider)
            and armed.fault.model in (None, model)
            and (armed.fault.prompt is None or armed.fault.prompt.lower() in (prompt or "").lower())
            and armed.strikes(task_id)
        ]
