"""The `recut` command: every command in a few lines, the work elsewhere. Prefect is loaded only where flows run."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter

from flows.commands.options import Filters, Flag, Folders, Planning, Running, Several, Wishes
from flows.running.settings import RunOptions

app = App(
    name="recut",
    help="Edits videos in bulk through hosted models; never pays twice, never loses a paid result.",
    version=lambda: version("recut"),
    version_flags=["--version"],
    default_parameter=Parameter(show_default=False),
)

#: Exit codes: all published; some failed or held; bad input or settings, nothing created; interrupted.
OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


@app.command
def demo(*, results: str | None = None, json: Flag = False) -> int:
    """Edit the sample clips offline: local provider, both models, nothing to set up, nothing to pay.

    Args:
        results: Where the edited clips go; default: ./results.
        json: Print one JSON object and nothing else.
    """
    from flows.commands.demo import run_demo

    return run_demo(results, json)


@app.command
def plan(sources: Several, /, *, said: Planning | None = None) -> int:
    """Validate and price manifests or clips; creates nothing, uploads nothing.

    Args:
        sources: Manifests (JSONL, CSV, YAML) or clips.
    """
    from flows.commands.plan import run_plan

    said = said or Planning()
    return run_plan(sources, said.options(), said.json)


@app.command
def edit(clip: str, /, *, prompt: str = "", wishes: Wishes | None = None, said: Running | None = None) -> int:
    """Edit one clip.

    Args:
        clip: Path or URL of the clip.
        prompt: What to change, in plain words.
    """
    from flows.commands.edit import run_edit

    said = said or Running()
    return run_edit({**(wishes or Wishes()).fields(), "video": clip, "prompt": prompt}, said.options(), said.json)


@app.command
def batch(manifest: str, /, *, on_workers: Flag = False, said: Running | None = None) -> int:
    """Edit everything a manifest lists; safe to run again at any time, from anywhere.

    Args:
        manifest: Path or URL of a JSONL, CSV or YAML file.
        on_workers: Let the workers of your Prefect server share the edits, sixty for each run [RECUT_ON_WORKERS].
    """
    from flows.commands.edit import batch_of

    said = said or Running()
    options = said.options().model_copy(update={"on_workers": on_workers or None})
    return batch_of(manifest, options, said.json)


@app.command
def watch(inbox: str | None = None, /, *, prompt: str | None = None, said: Running | None = None) -> int:
    """Edit whatever is dropped into a folder or bucket, until Ctrl-C.

    Args:
        inbox: Path or URL of the folder; default: ./inbox [RECUT_INBOX].
        prompt: What to change in clips that bring no instructions [RECUT_INBOX_PROMPT].
    """
    from flows.commands.watch import run_watch

    said = said or Running()
    return run_watch(inbox, prompt, said.options(), said.json)


@app.command
def status(job: str | None = None, /, *, shown: Filters | None = None, said: Folders | None = None) -> int:
    """Show where jobs stand, what they cost and what is to be done, from the journal.

    Args:
        job: Name or job key (its first digits) of one job, to see its whole story; or a pattern such as "night-*".
    """
    from flows.commands.status import run_status

    said = said or Folders()
    return run_status(said.options(), said.json, job, (shown or Filters()).wanted(datetime.now(UTC)))


@app.command
def sweep(*, said: Running | None = None) -> int:
    """Finish what earlier runs left: poll, fetch, reconcile, close what expired; creates nothing."""
    from flows.commands.edit import run_sweep

    said = said or Running()
    return run_sweep(said.options(), said.json)


@app.command
def cancel(job: str, /, *, said: Running | None = None) -> int:
    """Cancel a job's provider task while it queues; one that runs is billed, and its result still fetched.

    Args:
        job: Name or job key (its first digits) of the job.
    """
    from flows.commands.cancel import run_cancel

    return run_cancel((said or Running()).options(), job)


@app.command
def resolve(
    job: str,
    /,
    *,
    recreate: Flag = False,
    abandon: Flag = False,
    adopt: str | None = None,
    results: str | None = None,
    journal: str | None = None,
    storage: str | None = None,
    credentials: str | None = None,
) -> int:
    """Decide about a job that is held or runs: pay for another try, give it up, or name its lost provider task.

    Args:
        job: Name or job key (its first digits) of the job.
        recreate: Create it again; if the lost create did go through, it is paid twice.
        abandon: Give it up; nothing more is created for it.
        adopt: The id of the provider task its lost create made, as the provider's console or support tells it;
            its result is then fetched like any other.
        results: Folder of the results [RECUT_RESULTS].
        journal: Folder of the journal; default: .recut/journal in the results [RECUT_JOURNAL].
        storage: Name of a saved Video Storage block for the results [RECUT_STORAGE].
        credentials: Name of a saved credentials block, to ask the provider with [RECUT_CREDENTIALS].
    """
    from flows.commands.resolve import run_adopt, run_resolve

    if recreate + abandon + (adopt is not None) != 1:
        raise ValueError("say one of --recreate, --abandon and --adopt")
    options = RunOptions(results=results, journal=journal, storage=storage, credentials=credentials)
    if adopt is not None:
        return run_adopt(options, job, adopt)
    return run_resolve(options, job, "recreate" if recreate else "abandon")


@app.command
def doctor(*, said: Running | None = None) -> int:
    """Check keys, addresses, quotas, storage and Prefect; creates nothing."""
    from flows.commands.doctor import run_doctor

    said = said or Running()
    return run_doctor(said.options(), said.json)


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
    from blocks.clients.store import StorageFailed
    from deployments.local import ServerUnreachable
    from flows.commands.messages import complain, explained

    try:
        code = command()
    except (CycloptsError, ValueError, OSError, StorageFailed, ServerUnreachable) as error:
        complain(explained(error))
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else OK
