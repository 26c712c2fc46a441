"""Before stage 3, only where an answer was lost: find out what became of a create, holding no provider slot."""

from flows.ledger.reconcile import reconcile
from flows.rules.history import Attempt
from flows.running.run import Run
from flows.stages.stage import stage


@stage("reconcile", named="reconcile {attempt.intent.name}", retries=3)
async def find_out(run: Run, attempt: Attempt) -> None:
    """Finds out what became of a create without an answer, and records it.

    Raises:
        EditStopped: It cannot be told, and a person has to decide.
    """
    await reconcile(run, attempt)
