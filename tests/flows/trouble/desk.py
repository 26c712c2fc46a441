"""A person at work: starts edits the way the commands do, and reads what is left on disk and at the provider."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from deployments.emulator import Emulator, Fault
from deployments.emulator.audit import AuditEntry
from flows.commands.resolve import run_adopt, run_resolve
from flows.rules.job import EditJob
from flows.running.settings import RunOptions
from flows.telling.reports import BatchReport, JobReport
from tests.conftest import Media

PROMPT = "turn it into claymation"
WAN, HAPPYHORSE = "wan2.7-videoedit", "happyhorse-1.0-video-edit"


def fault(operation: str, kind: str, *, provider: str | None = None, prompt: str | None = None, **rest: Any) -> Fault:
    """Returns a fault of the emulator; filters are named, everything else describes the effect."""
    filters = {name: rest.pop(name) for name in ("nth", "times", "per_task", "model") if name in rest}
    effect = {"kind": kind, **rest}
    return Fault.model_validate(
        {"operation": operation, "does": effect, "provider": provider, "prompt": prompt, **filters}
    )


@dataclass
class Desk:
    """One team's results folder and provider."""

    emulator: Emulator
    media: Media
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def job(self, prompt: str = PROMPT, *, provider: str = "dashscope", **fields: Any) -> dict[str, Any]:
        """Returns an edit of the usual clip; APIYI's needs a picture and takes only media on the web."""
        said = {"video": self.media.clip_url, "prompt": prompt, "provider": provider}
        if provider == "apiyi":
            said |= {"model": WAN, "reference_images": [self.media.picture_url]}
        return {**said, **fields}

    def run_options(self, **changes: Any) -> RunOptions:
        return RunOptions.model_validate({"results": str(self.results), **self.options, **changes})

    async def editing(self, job: dict[str, Any], **options: Any) -> JobReport:
        """Runs one edit and returns how its job stands."""
        from flows.edit_video import edit_video

        report = await reported(edit_video(EditJob.model_validate(job), self.run_options(**options), return_state=True))
        return report.jobs[0]

    def edit(self, prompt: str = PROMPT, *, options: dict[str, Any] | None = None, **fields: Any) -> JobReport:
        return asyncio.run(self.editing(self.job(prompt, **fields), **(options or {})))

    def batch(self, jobs: Sequence[dict[str, Any]], **options: Any) -> BatchReport:
        """Runs a manifest of these jobs."""
        from flows.edit_batch import edit_batch

        manifest = self.manifest(jobs)
        return asyncio.run(reported(edit_batch(str(manifest), self.run_options(**options), return_state=True)))

    def batch_meanwhile(self, jobs: Sequence[dict[str, Any]], happening: Callable[[], object]) -> BatchReport:
        """Runs a manifest of these jobs while, in another thread, something happens."""
        with ThreadPoolExecutor(1) as pool:
            happens = pool.submit(happening)
            report = self.batch(jobs)
            happens.result()
        return report

    def manifest(self, jobs: Sequence[dict[str, Any]]) -> Path:
        path = self.folder / "jobs.jsonl"
        path.write_text("".join(f"{json.dumps(job)}\n" for job in jobs))
        return path

    def meanwhile(self, prompt: str, *happenings: Callable[[], object], **fields: Any) -> JobReport:
        """Runs one edit while, in another thread, things happen one after the other."""

        async def both() -> JobReport:
            report, *_ = await asyncio.gather(
                self.editing(self.job(prompt, **fields)),
                asyncio.to_thread(lambda: [happening() for happening in happenings]),
            )
            return report

        return asyncio.run(both())

    def resolve(self, job: JobReport, decision: Any) -> int:
        assert job.job_key is not None
        return run_resolve(RunOptions(results=str(self.results)), job.job_key, decision)

    def adopt(self, job: JobReport, provider_task_id: str) -> int:
        assert job.job_key is not None
        return run_adopt(RunOptions(results=str(self.results)), job.job_key, provider_task_id)

    def fault(self, *faults: Fault) -> None:
        self.emulator.set_faults(faults)

    def made(self) -> list[AuditEntry]:
        """Returns every provider task the provider ever made, oldest first."""
        return self.emulator.audit()

    def billed(self) -> list[AuditEntry]:
        return [task for task in self.made() if task.cost > 0]

    def asked(self, operation: str, provider: str = "dashscope") -> int:
        """Returns how many requests for an operation came in."""
        count = self.emulator.counters().operations.get(f"{provider} {operation}")
        return count.received if count else 0

    def records(self, job: JobReport) -> list[str]:
        """Returns the kinds of a job's journal records, attempt by attempt, such as ``001-intent``."""
        assert job.job_key is not None
        return sorted(path.stem for path in (self.journal / job.job_key).glob("*.json"))

    def record(self, job: JobReport, name: str) -> dict[str, Any]:
        assert job.job_key is not None
        content: dict[str, Any] = json.loads((self.journal / job.job_key / f"{name}.json").read_text())
        return content

    @property
    def journal(self) -> Path:
        return self.results / ".recut" / "journal"

    def published(self) -> list[str]:
        """Returns the names of all videos that lie among the results and really play."""
        for path in self.results.rglob("*.mp4"):
            with av.open(str(path)) as video:
                assert next(video.decode(video=0)).width > 0
        return sorted(str(path.relative_to(self.results)) for path in self.results.rglob("*.mp4"))

    def sidecar(self, job: JobReport) -> dict[str, Any]:
        assert job.sidecar is not None
        content: dict[str, Any] = json.loads(Path(job.sidecar).read_text())
        return content


async def reported(flow: Awaitable[Any]) -> BatchReport:
    """Returns the report that a flow's final state carries, or raises what stopped the flow."""
    state = await flow
    report = await state.aresult(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    assert isinstance(report, BatchReport)
    return report
