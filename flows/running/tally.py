"""Adds up the steps of a run: who is where, who held a slot when, what is spent, how long it still takes. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from flows.rules.budget import Cost, total
from flows.running.progress import Lane, Stage, Step

#: While a job is here, it holds a slot of its account and model.
IN_A_SLOT = (Stage.CREATING, Stage.PENDING, Stage.RUNNING)
#: While a job is here, a provider task of it is, or may be, alive or waiting to be fetched.
ALIVE = (*IN_A_SLOT, Stage.PERSISTING)
ENDED = (Stage.DONE, Stage.FAILED, Stage.HELD)
#: The run time to be expected counts like this many jobs that ended in this run.
_WEIGHT_OF_EXPECTATION = 3
#: A provider task that runs longer than usual is taken to need this share of the usual time still.
_LEAST_SHARE_LEFT = 0.15


@dataclass
class SlotUse:
    """One job held one slot.

    Attributes:
        lane: Of which account and model.
        number: Which of its slots, from 1.
        job_key: The job.
        name: Its name.
        begin: When it got the slot, on the run's clock, in seconds.
        end: When it gave it back; None while it holds it.
        then: Where the job went from there, in the end how it ended; None while it holds the slot.
    """

    lane: Lane
    number: int
    job_key: str
    name: str
    begin: float
    end: float | None = None
    then: Stage | None = None


@dataclass
class Followed:
    """One job as the steps so far tell of it.

    Attributes:
        name: Its name.
        stage: Where it is.
        since: When it got there, in seconds on the run's clock.
        cost: What it costs, as far as known.
        lane: Whose slots it needs; None until that is told.
        is_spent: Whether its cost is paid or may have to be.
    """

    name: str
    stage: Stage
    since: float
    cost: Cost | None = None
    lane: Lane | None = None
    is_spent: bool = False


class Tally:
    """What the steps of one run add up to. Times are seconds on any clock that never goes back.

    Attributes:
        jobs: The jobs by key, in the order they were told of.
        uses: Who held which slot when, in the order they got them.
        problems: Names and messages of what went wrong, oldest first.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Followed] = {}
        self.uses: list[SlotUse] = []
        self.problems: list[tuple[str, str]] = []
        self._holding: dict[str, SlotUse] = {}
        self._held_last: dict[str, SlotUse] = {}

    def see(self, step: Step, now: float) -> None:
        """Takes note of a step."""
        job = self.jobs.get(step.job_key)
        if job is None:
            job = self.jobs[step.job_key] = Followed(step.name, step.stage, now)
        elif job.stage is not step.stage:
            job.stage, job.since = step.stage, now
        job.cost = step.cost or job.cost
        job.lane = step.lane or job.lane
        if step.stage in (*ALIVE, Stage.DONE):
            job.is_spent = True
        elif step.stage is Stage.FAILED:
            job.is_spent = False
        if step.message is not None:
            self.problems.append((step.name, step.message))
        self._note_slot(step.job_key, job, now)

    def _note_slot(self, job_key: str, job: Followed, now: float) -> None:
        use = self._holding.get(job_key)
        if use is None and job.stage in IN_A_SLOT and job.lane is not None:
            taken = {other.number for other in self._holding.values() if other.lane.name == job.lane.name}
            number = next(number for number in range(1, len(taken) + 2) if number not in taken)
            use = self._holding[job_key] = SlotUse(job.lane, number, job_key, job.name, now)
            self._held_last[job_key] = use
            self.uses.append(use)
        elif use is not None and job.stage not in IN_A_SLOT:
            use.end = now
            del self._holding[job_key]
        if job_key not in self._holding and job_key in self._held_last:
            self._held_last[job_key].then = job.stage

    def counts(self) -> Counter[Stage]:
        """Returns how many jobs are at each stage."""
        return Counter(job.stage for job in self.jobs.values())

    def ended(self) -> int:
        """Returns how many jobs are over."""
        return sum(job.stage in ENDED for job in self.jobs.values())

    def alive(self) -> int:
        """Returns how many jobs may have a provider task that is not fetched yet."""
        return sum(job.stage in ALIVE for job in self.jobs.values())

    def spent(self) -> list[Cost]:
        """Returns what is published, under way or held costs or may cost, per currency."""
        return total(job.cost for job in self.jobs.values() if job.is_spent and job.cost)

    def to_come(self) -> list[Cost]:
        """Returns what the jobs that have not begun will cost, per currency."""
        waiting = (job for job in self.jobs.values() if not job.is_spent and job.stage not in ENDED)
        return total(job.cost for job in waiting if job.cost)

    def lanes(self) -> list[tuple[Lane, int]]:
        """Returns every account and model with how many of its slots this run holds now."""
        lanes = {job.lane.name: job.lane for job in self.jobs.values() if job.lane is not None}
        held = Counter(use.lane.name for use in self._holding.values())
        return [(lane, held[name]) for name, lane in lanes.items()]

    def under_way(self) -> list[Followed]:
        """Returns the jobs with a provider task, the one that began first at the head."""
        held = [self.jobs[job_key] for job_key in self._holding]
        return held + [job for job in self.jobs.values() if job.stage is Stage.PERSISTING]

    def seconds_left(self, now: float) -> float | None:
        """Returns how long until the last job is over, None while that cannot be told.

        Each lane's slots are shared by what holds one and what waits for one, each for as long as jobs held one so
        far in this run, blended with the run time to be expected of the model.
        """
        open_jobs = [job for job in self.jobs.values() if job.stage not in ENDED]
        if any(job.lane is None for job in open_jobs):
            return None
        held = self._held_seconds()
        longest = 0.0
        for lane in {job.lane.name: job.lane for job in open_jobs if job.lane is not None}.values():
            usual = _blended(lane.run_seconds, held[lane.name])
            begun = [now - use.begin for use in self._holding.values() if use.lane.name == lane.name]
            rests = [max(usual - seconds, usual * _LEAST_SHARE_LEFT) for seconds in begun]
            waiting = sum(
                job.lane is not None and job.lane.name == lane.name and job.stage not in ALIVE for job in open_jobs
            )
            shared = (sum(rests) + waiting * usual) / lane.slots
            longest = max(longest, shared, *rests, usual if waiting else 0.0)
        return longest

    def _held_seconds(self) -> dict[str, list[float]]:
        held: dict[str, list[float]] = defaultdict(list)
        for use in self.uses:
            if use.end is not None and use.then in (Stage.PERSISTING, Stage.DONE):
                held[use.lane.name].append(use.end - use.begin)
        return held


def _blended(expected: float, seen: Iterable[float]) -> float:
    seconds = list(seen)
    return (expected * _WEIGHT_OF_EXPECTATION + sum(seconds)) / (_WEIGHT_OF_EXPECTATION + len(seconds))
