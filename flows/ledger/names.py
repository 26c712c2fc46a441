"""Which result may have a name that several jobs wish for: the first that claims it, on whatever machine it runs."""

from flows.rules.sidecar import longer_name
from flows.running.run import Run


async def own_name(run: Run, name: str, job_key: str) -> str:
    """Returns the name for a job's result, or a longer one when the name is another job's.

    Looking whether a file is there tells nothing about who is about to write it. A name with the job's key in it, as
    names that nobody chose have, needs no claim.

    Args:
        run: The run, whose results the name is for.
        name: Name of the result, without ending.
        job_key: The job.

    Raises:
        StorageFailed: It cannot be told.
    """
    if job_key[:8] in name:
        return name
    is_own = await run.journal.claim_name(run.results.address(name), job_key)
    return name if is_own else longer_name(name, job_key)
