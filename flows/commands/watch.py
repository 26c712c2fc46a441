"""`recut watch`: drops become edits until Ctrl-C."""

from typing import Any

from flows.commands.edit import run_flow
from flows.commands.messages import err, tell
from flows.rules.addresses import printable
from flows.running.settings import RunOptions, Settings


def run_watch(inbox: str | None, prompt: str | None, options: RunOptions, as_json: bool) -> int:
    """Watches an inbox until stopped; returns the command's exit code.

    Raises:
        ValueError: JSON was asked for, which is one object at the end.
    """
    if as_json:
        raise ValueError("--json tells how a run ended, and watch ends only with Ctrl-C; recut status --json tells all")
    address = inbox or Settings().inbox
    said = (
        f"Watching {printable(address)}. Drop a clip there, and what to change in a text file of the same name, as in "
    )
    tell(err, f"{said}coat.mp4 and coat.txt. Ctrl-C stops; what was dropped is not lost by that.")

    async def flow() -> Any:
        from flows.watch_inbox import watch_inbox

        return await watch_inbox(address, prompt, options, keep_watching=True, return_state=True)

    return run_flow(flow, [], as_json)
