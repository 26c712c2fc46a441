"""How `recut status` says what the journal holds: a table of many jobs with their sums, or one job's whole story."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from flows.commands.columns import columns
from flows.commands.messages import STATE_STYLES, counted, out, tell
from flows.rules.history import Attempt
from flows.rules.plain import plain
from flows.rules.standing import Standing, at_stake, paid
from flows.rules.states import JobState
from flows.telling.summary import money

_HEADINGS = ("name", "state", "cost", "model", "provider", "begun", "key")
#: The columns that give way on a narrow terminal: the model first, then the name.
_SHRINKING = (3, 0)
#: What to do about a job that is not over, or over without a result.
_NEXT = {
    JobState.HELD: "look into the provider's console, then recut resolve {job}: --adopt, --recreate or --abandon",
    JobState.RUNNING: "the next run or recut sweep follows it to its end",
    JobState.PLANNED: "the next run creates it again",
    JobState.CREATING: "a create is under way; look again in a minute",
    JobState.EXPIRED: "its result is gone at the provider; raise its take to pay for another one",
}


def print_standings(jobs: Sequence[Standing]) -> None:
    """Shows many jobs, a line each, what is to be done about those that have no result, and the sums."""
    rows = [[Text(heading, style="dim") for heading in _HEADINGS], *(_row(job) for job in jobs)]
    head, *lines = columns(rows, out.width if out.is_terminal else None, _SHRINKING)
    out.print(head)
    for job, line in zip(jobs, lines, strict=True):
        out.print(line)
        if job.state is not JobState.PUBLISHED:
            tell(out, "; ".join(part for part in (_last_word(job), _next(job)) if part), indent=4, style="dim")
    out.print(_sums(jobs))


def print_story(job: Standing) -> None:
    """Shows everything that is known of one job, in the order it happened."""
    intent = job.history.attempts[-1].intent
    where = intent.endpoint
    tell(out, Text(plain(job.name), style="bold") + Text(f"  {job.state}", style=_style(job.state)))
    facts = [
        ("model", f"{where.model} at {where.provider}, {where.region}, account {where.account}"),
        ("key", job.job_key),
        ("prompt", intent.job.prompt),
        *([("negative", intent.job.negative_prompt)] if intent.job.negative_prompt else []),
        ("clip", intent.job.video),
        *(("picture", image) for image in intent.job.reference_images),
        ("asked for", ", ".join(f"{name} {value}" for name, value in intent.parameters.items())),
        ("take", str(intent.job.take)),
        ("estimate", str(intent.estimate)),
    ]
    for label, said in facts:
        tell(out, f"{label:<10} {said}", indent=2)
    for attempt in job.history.attempts:
        out.print(Text(f"  try {attempt.number}", style="bold"))
        for at, said in sorted(_events(attempt), key=lambda event: event[0]):
            tell(out, f"{_local(at, seconds=True)}  {said}", indent=4)
    if advice := _next(job):
        tell(out, f"→ {advice}", indent=2)


def _row(job: Standing) -> list[Text]:
    where = job.history.attempts[-1].intent.endpoint
    cost = paid([job]) or at_stake([job])
    return [
        Text(plain(job.name), style="bold"),
        Text(job.state, style=_style(job.state)),
        Text(money(cost)),
        Text(plain(where.model), style="dim"),
        Text(where.provider, style="dim"),
        Text(_local(job.begun_at), style="dim"),
        Text(job.job_key[:8], style="dim"),
    ]


def _sums(jobs: Sequence[Standing]) -> Text:
    states = Counter(job.state for job in jobs)
    told = ", ".join(f"{count} {state}" for state, count in states.most_common())
    parts = [f"{counted(len(jobs), 'job')}: {told}", f"{money(paid(jobs))} for what is published"]
    if stake := at_stake(jobs):
        parts.append(f"{money(stake)} more may be billed")
    return Text(f"{'; '.join(parts)}.")


def _last_word(job: Standing) -> str:
    """Returns the last thing that happened to a job."""
    events = [event for attempt in job.history.attempts for event in _events(attempt)]
    return max(events, key=lambda event: event[0])[1]


def _next(job: Standing) -> str:
    return _NEXT.get(job.state, "").format(job=job.job_key[:8])


def _events(attempt: Attempt) -> Iterator[tuple[datetime, str]]:
    """Yields what happened to an attempt, and when."""
    by = attempt.intent.by
    yield attempt.intent.at, f"about to be created by process {by.process} on {by.host}"
    if made := attempt.submitted:
        asked = f", request {made.request_id}" if made.request_id else ""
        yield made.at, f"{'adopted' if made.adopted else 'created'} {made.provider_task_id}{asked}"
    if refused := attempt.refused:
        yield refused.at, f"refused, nothing is billed ({refused.failure})"
    if unanswered := attempt.unanswered:
        yield unanswered.at, f"no answer, may be billed once ({unanswered.failure})"
    if decided := attempt.decided:
        yield decided.at, f"decided: {decided.decision} ({decided.reason})"
    if settled := attempt.settled:
        why = f" ({settled.failure})" if settled.failure else ""
        cost = f" for {settled.cost}" if settled.cost else ""
        where = f" as {settled.result}" if settled.result else ""
        ran = f", ran {settled.run_seconds:.0f} s" if settled.run_seconds is not None else ""
        yield settled.at, f"{settled.state}{why}{where}{cost}{ran}"


def _local(at: datetime, *, seconds: bool = False) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def _style(state: JobState) -> str:
    return STATE_STYLES.get(state, "red")
