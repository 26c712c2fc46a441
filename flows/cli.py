"""The `recut` command: every command in a few lines, the work elsewhere. Prefect is loaded only where flows run."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError

from flows.settings import RunOptions

app = App(
    name="recut",
    help="Edits videos in bulk through hosted models; never pays twice, never loses a paid result.",
    version_flags=["--version"],
)

#: Exit codes: all published; some failed or held; bad input or settings, nothing created; interrupted.
OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


@Parameter(name="*")
@dataclass
class Common:
    """Options of every command that runs jobs.

    Attributes:
        provider: Who runs jobs that name no provider themselves [RECUT_PROVIDER].
        region: DashScope region, such as cn-beijing [DASHSCOPE_API_REGION].
        results: Folder of the results: a path or any fsspec URL [RECUT_RESULTS].
        journal: Folder of the journal; default: .recut/journal in the results [RECUT_JOURNAL].
        credentials: Name of a saved credentials block; default: the environment's keys [RECUT_CREDENTIALS].
        storage: Name of a saved Video Storage block for the results [RECUT_STORAGE].
        max_cost: Most this run may spend, in the account's currency [RECUT_MAX_COST].
        on_unknown: When a create got no answer and nobody can tell whether it was paid [RECUT_ON_UNKNOWN].
        unprobed: Accept media URLs that only the provider can open; their price is then unknown.
        json: Print one JSON object and nothing else.
    """

    provider: Literal["dashscope", "apiyi"] | None = None
    region: str | None = None
    results: str | None = None
    journal: str | None = None
    credentials: str | None = None
    storage: str | None = None
    max_cost: Decimal | None = None
    on_unknown: Literal["hold", "recreate"] | None = None
    unprobed: Annotated[bool, Parameter(negative=())] = False
    json: Annotated[bool, Parameter(negative=())] = False

    def options(self) -> RunOptions:
        """Returns what was said, as the options of a run."""
        said = {name: value for name, value in vars(self).items() if name in RunOptions.model_fields}
        return RunOptions.model_validate({**said, "unprobed": self.unprobed or None})


@Parameter(name="*")
@dataclass
class Wishes:
    """What one edit may set besides its prompt.

    Attributes:
        reference: A picture the edit takes things from; may be given several times.
        model: wan2.7-videoedit or happyhorse-1.0-video-edit; default: the provider's own.
        negative_prompt: What must not appear (Wan only).
        resolution: Tier of the result; it decides the price.
        ratio: Aspect ratio of the result (Wan only).
        duration: Cut the clip to this many seconds (Wan only); 0 keeps it.
        audio_setting: auto: the model decides; origin: keep the clip's sound.
        prompt_extend: Let the provider rewrite the prompt first.
        watermark: Ask for the provider's mark.
        seed: 0 to 2147483647; makes results more alike.
        take: Raise it to pay for another result of the same edit.
        name: File name of the result, without ending.
    """

    reference: Annotated[list[str] | None, Parameter(negative=())] = None
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


@app.command
def demo(*, results: str | None = None, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Edit the sample clips offline: local provider, both models, nothing to set up, nothing to pay.

    Args:
        results: Where the edited clips go; default: ./results.
        json: Print one JSON object and nothing else.
    """
    from flows.commands.demo import run_demo

    return run_demo(results, json)


@app.command
def plan(sources: Annotated[list[str], Parameter(negative=())], /, *, common: Common | None = None) -> int:
    """Validate and price manifests or clips; creates nothing, uploads nothing.

    Args:
        sources: Manifests (JSONL, CSV, YAML) or clips.
    """
    from flows.commands.plan import run_plan

    common = common or Common()
    return run_plan(sources, common.options(), common.json)


@app.command
def edit(clip: str, /, *, prompt: str = "", wishes: Wishes | None = None, common: Common | None = None) -> int:
    """Edit one clip.

    Args:
        clip: Path or URL of the clip.
        prompt: What to change, in plain words.
    """
    from flows.commands.edit import run_edit

    common = common or Common()
    return run_edit({**(wishes or Wishes()).fields(), "video": clip, "prompt": prompt}, common.options(), common.json)


@app.command
def batch(manifest: str, /, *, common: Common | None = None) -> int:
    """Edit everything a manifest lists; safe to run again at any time, from anywhere.

    Args:
        manifest: Path or URL of a JSONL, CSV or YAML file.
    """
    from flows.commands.edit import batch_of

    common = common or Common()
    return batch_of(manifest, common.options(), common.json)


@app.command
def status(
    *,
    results: str | None = None,
    journal: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show every job's history from the journal.

    Args:
        results: Folder of the results [RECUT_RESULTS].
        journal: Folder of the journal; default: .recut/journal in the results [RECUT_JOURNAL].
        json: Print one JSON object and nothing else.
    """
    from flows.commands.status import run_status

    return run_status(RunOptions(results=results, journal=journal), json)


@app.command
def sweep(*, common: Common | None = None) -> int:
    """Finish what earlier runs left: poll, fetch, reconcile, close what expired; creates nothing."""
    from flows.commands.edit import run_sweep

    common = common or Common()
    return run_sweep(common.options(), common.json)


@app.command
def cancel(job: str, /, *, common: Common | None = None) -> int:
    """Cancel a job's provider task while it queues; one that runs is billed, and its result still fetched.

    Args:
        job: Name or job key (its first digits) of the job.
    """
    from flows.commands.cancel import run_cancel

    return run_cancel((common or Common()).options(), job)


@app.command
def resolve(
    job: str,
    /,
    *,
    recreate: Annotated[bool, Parameter(negative=())] = False,
    abandon: Annotated[bool, Parameter(negative=())] = False,
    results: str | None = None,
    journal: str | None = None,
) -> int:
    """Decide about a job that is held or runs: pay for another try, or give it up.

    Args:
        job: Name or job key (its first digits) of the job.
        recreate: Create it again; if the lost create did go through, it is paid twice.
        abandon: Give it up; nothing more is created for it.
        results: Folder of the results [RECUT_RESULTS].
        journal: Folder of the journal; default: .recut/journal in the results [RECUT_JOURNAL].
    """
    from flows.commands.status import run_resolve

    if recreate == abandon:
        raise ValueError("say --recreate or --abandon")
    return run_resolve(RunOptions(results=results, journal=journal), job, "recreate" if recreate else "abandon")


@app.command
def doctor(*, common: Common | None = None) -> int:
    """Check keys, addresses, quotas, storage and Prefect; creates nothing."""
    from flows.commands.doctor import run_doctor

    common = common or Common()
    return run_doctor(common.options(), common.json)


@app.command
def emulator(
    *,
    port: int | None = None,
    clock_scale: float | None = None,
    config: Path | None = None,
) -> int:
    """Run the local provider alone: point recut, the official SDK or curl at it.

    Args:
        port: Port on this machine; default: 8710; 0 takes any free one.
        clock_scale: Provider seconds per real second.
        config: YAML file with any further settings, such as faults.
    """
    from flows.commands.emulator import run_emulator

    return run_emulator(port, clock_scale, config)


@app.command
def ui() -> int:
    """Show where to look at the runs in the Prefect UI, and keep it up until Ctrl-C."""
    from flows.commands.ui import run_ui

    return run_ui()


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits with its code; every error a person can cause is one plain message."""
    sys.exit(_guarded(lambda: app(arguments, exit_on_error=False, print_error=False, result_action="return_value")))


def _guarded(command: Callable[[], Any]) -> int:
    from flows.commands.messages import complain, plain_problems

    try:
        code = command()
    except (CycloptsError, ValueError, OSError) as error:
        message = plain_problems(error) if isinstance(error, ValidationError) else str(error)
        complain(message or type(error).__name__)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else OK
