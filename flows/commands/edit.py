"""`recut edit` and `recut batch`: refuse bad input at once, then run the flow and report."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import ValidationError

from blocks.clients.store import StorageFailed
from deployments.local import prefect_server
from flows.commands.board import Board
from flows.commands.messages import complain, err, explained, print_json, print_problems, print_report, tell
from flows.commands.plan import opened_places, planned
from flows.commands.stopping import run_stoppable
from flows.planning.plan import PlannedJob, rows_of
from flows.rules.job import EditJob
from flows.rules.manifest import Row, problems_of
from flows.running.settings import RunOptions
from flows.telling.reports import BatchReport, plan_as_json

REFUSED, INTERRUPTED = 2, 130


def run_edit(fields: dict[str, Any], options: RunOptions, as_json: bool) -> int:
    """Edits one clip; returns the command's exit code."""
    try:
        row = Row(1, None, EditJob.model_validate(fields))
    except ValidationError as error:
        row = Row(1, None, None, problems_of(error))
    plans = planned([row], options, opened_places(options))
    if not plans[0].ok:
        return _refuse([plans[0].model_copy(update={"label": ""})], as_json)
    assert row.job is not None
    job = row.job

    async def flow() -> Any:
        from flows.edit_video import edit_video

        return await edit_video(job, options, return_state=True)

    return run_flow(flow, plans, as_json)


def batch_of(manifest: str, options: RunOptions, as_json: bool) -> int:
    """Edits everything a manifest lists; returns the command's exit code."""
    places = opened_places(options)
    plans = planned(rows_of(manifest, places.known), options, places)
    if not all(plan.ok for plan in plans):
        return _refuse(plans, as_json)

    async def flow() -> Any:
        from flows.edit_batch import edit_batch

        return await edit_batch(manifest, options, return_state=True)

    return run_flow(flow, plans, as_json)


def run_sweep(options: RunOptions, as_json: bool) -> int:
    """Finishes what earlier runs left; returns the command's exit code."""

    async def flow() -> Any:
        from flows.sweep import sweep

        return await sweep(options, return_state=True)

    return run_flow(flow, [], as_json)


def run_flow(flow: Callable[[], Coroutine[Any, Any, Any]], plans: list[PlannedJob], as_json: bool) -> int:
    """Runs a flow on the configured or the local Prefect server, shows it, and returns the exit code."""
    board = Board(plans, quiet=as_json)
    try:
        with board, prefect_server():
            report = _run(flow, board)
    except (KeyboardInterrupt, asyncio.CancelledError):
        tell(err, board.what_runs_on())
        return INTERRUPTED
    if report is None:
        return REFUSED
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report)
    return report.exit_code


def _run(flow: Callable[[], Coroutine[Any, Any, Any]], board: Board) -> BatchReport | None:
    """Runs a flow and returns its report, or None after saying why it was refused before anything was created."""
    # Prefect may be imported now that its server is known.
    from blocks.credentials import CredentialsMissing
    from flows.running.progress import watching
    from flows.telling.outcomes import InputRefused, OverBudget

    try:
        with watching(board.see):
            return run_stoppable(_reported(flow), _say_stopping)
    except (InputRefused, OverBudget, CredentialsMissing) as error:
        complain(str(error))
    except (StorageFailed, ValueError, OSError) as error:
        if board.has_begun:
            raise
        complain(f"{explained(error)}; nothing was uploaded or created")
    return None


def _say_stopping() -> None:
    tell(err, "Stopping once creates under way are answered; Ctrl-C again does not wait.")


async def _reported(flow: Callable[[], Coroutine[Any, Any, Any]]) -> BatchReport:
    """Runs a flow and returns the report its final state carries, or raises what stopped it."""
    state = await flow()
    report = await state.aresult(raise_on_failure=False)
    if isinstance(report, BaseException):
        raise report
    assert isinstance(report, BatchReport)
    return report


def _refuse(plans: list[PlannedJob], as_json: bool) -> int:
    if as_json:
        print_json(plan_as_json(plans))
    else:
        print_problems(plans)
        complain("refused; nothing was uploaded or created.")
    return REFUSED
