"""What a run tells at its end: one report per job, and the sums; the shape of ``--json``."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from flows.planning.plan import PlannedJob
from flows.rules.budget import Cost, total
from flows.rules.job import Provider
from flows.rules.states import JobState


class ReportedError(BaseModel):
    """Why a job has no result, what that means for the money, and what to do."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    advice: str
    is_about_settings: bool = Field(default=False, exclude=True)


class JobReport(BaseModel):
    """How one job stands at the end of a run."""

    model_config = ConfigDict(frozen=True)

    name: str
    job_key: str | None
    state: JobState
    provider: Provider
    model: str
    provider_task_id: str | None = None
    result: str | None = None
    sidecar: str | None = None
    cost: Cost
    notes: list[str] = Field(
        default_factory=list, description="In what the result is not as asked, or looks odd; not verdicts."
    )
    error: ReportedError | None = None
    created: bool = Field(default=False, description="Whether this run created a provider task for it.")
    seconds: dict[str, float] = Field(
        default_factory=dict, description="How long this run had it at each stage, in real seconds."
    )


class BatchReport(BaseModel):
    """How a run ended."""

    jobs: list[JobReport]

    @property
    def succeeded(self) -> int:
        """How many jobs are published."""
        return sum(job.state is JobState.PUBLISHED for job in self.jobs)

    @property
    def held(self) -> int:
        """How many jobs wait for a person's decision."""
        return sum(job.state is JobState.HELD for job in self.jobs)

    @property
    def failed(self) -> int:
        """How many jobs have no result and are not held."""
        return len(self.jobs) - self.succeeded - self.held

    @property
    def created(self) -> int:
        """How many provider tasks this run created."""
        return len({job.job_key for job in self.jobs if job.created})

    @property
    def exit_code(self) -> int:
        """0: all published; 2: settings were wrong and nothing was created; 1: anything else."""
        if self.succeeded == len(self.jobs):
            return 0
        unsuccessful = [job for job in self.jobs if job.state is not JobState.PUBLISHED]
        settings = all(job.error is not None and job.error.is_about_settings for job in unsuccessful)
        return 2 if settings and not self.created else 1

    def cost(self) -> list[Cost]:
        """Returns what the published jobs cost, per currency; a job listed several times was paid once."""
        paid = {job.job_key: job.cost for job in self.jobs if job.state is JobState.PUBLISHED}
        return total(paid.values())

    def as_json(self) -> dict[str, Any]:
        """Returns the object that ``--json`` prints."""
        return {
            "jobs": [job.model_dump(mode="json") for job in self.jobs],
            "succeeded": self.succeeded,
            "failed": self.failed,
            "held": self.held,
            "created": self.created,
            "cost": sums(self.cost()),
        }


def counts(report: BatchReport) -> str:
    """Returns how many jobs ended how, in one line of plain text."""
    return f"{report.succeeded} of {len(report.jobs)} published, {report.failed} failed, {report.held} held"


def plan_as_json(plans: list[PlannedJob]) -> dict[str, Any]:
    """Returns the object that ``recut plan --json`` prints."""
    return {
        "jobs": [
            {
                "name": plan.name,
                "ok": plan.ok,
                "label": plan.label,
                "job_key": plan.job_key,
                "provider": plan.provider,
                "model": plan.model,
                "region": plan.region,
                "parameters": plan.parameters,
                "problems": [problem.model_dump() for problem in plan.problems],
                "cost": plan.cost.model_dump(mode="json"),
            }
            for plan in plans
        ],
        "cost": sums(total(plan.cost for plan in plans if plan.ok)),
        "refused": sum(not plan.ok for plan in plans),
    }


def sums(costs: list[Cost]) -> dict[str, Any]:
    """Returns sums of money as one JSON object: the only currency, or one entry per currency."""
    if not costs:
        return {"amount": "0", "currency": None, "estimated": False}
    if len(costs) == 1:
        return costs[0].model_dump(mode="json")
    return {"amount": None, "currency": None, "by_currency": [cost.model_dump(mode="json") for cost in costs]}
