"""Which commands finish or settle a job that has no result yet, ready to be copied. Pure."""

import shlex

from flows.gallery.links import Place, shown
from flows.rules.states import JobState
from flows.telling.reports import JobReport

_RECREATE = ("recut resolve {job} --recreate", "tries once more; if the lost create did go through, it is paid twice")
_ADOPT = (
    "recut resolve {job} --adopt ID",
    "ID is the provider task that its console shows for this job: it is fetched, and nothing is created",
)
_ABANDON = ("recut resolve {job} --abandon", "gives it up: nothing more is created or fetched for it")
_SWEEP = ("recut sweep", "fetches what the provider made and creates nothing")

#: Held jobs wait for a person only where a decision is the way out; others wait for storage or for more money.
_DECISIONS = {"OutcomeUnknown": [_ADOPT, _RECREATE, _ABANDON], "OverBudget": [_ABANDON]}


def remedies(job: JobReport, place: Place) -> list[tuple[str, str]]:
    """Returns commands with what each does; none where running the same command again is all there is to do.

    Args:
        job: The report of a job without a result.
        place: Where its results go.
    """
    if job.job_key is None or job.error is None:
        return []
    found = [_SWEEP] if job.state is JobState.RUNNING else []
    if job.state is JobState.HELD:
        found = _DECISIONS.get(job.error.code, [])
    where = f" --results {shlex.quote(shown(place.folder))}"
    return [(command.format(job=job.job_key[:8]) + where, effect) for command, effect in found]
