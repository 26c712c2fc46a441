"""Random trouble of every kind at once: what is asked for, what goes wrong, and when the command is killed."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from deployments.emulator import Fault
from deployments.emulator.faults import Operation
from tests.guarantees.command import Done, Team

#: How likely each family of faults strikes a request.
PROBABILITY = 0.05
#: Runs after the last kill, until everything that can be finished is.
RUNS = 40
#: Seconds of a look for the moment of the next kill, after which it is asked whether the command still runs.
LOOK_SECONDS = 1
LONGEST_RUN_SECONDS = 3600

_BUSY = {"kind": "answer", "status": 500, "code": "InternalError"}
_THROTTLED = {"kind": "answer", "status": 429, "code": "Throttling.RateQuota"}
_PAGE = {"kind": "answer", "status": 503, "body": "<html>Service Unavailable</html>"}
_ANYWHERE = [_THROTTLED, _BUSY, _PAGE, {"kind": "reset"}, {"kind": "delay", "seconds": 3}]
_UNREADABLE = [{"kind": "garble", "how": how} for how in ("truncated", "html")]
_LATE = [{**_BUSY, "when": "after"}, {"kind": "reset", "when": "after"}]

#: Everything that goes wrong, by what is asked. A hanging answer is left out: it only takes real minutes.
FAMILIES: dict[Operation, list[dict[str, Any]]] = {
    "policy": _ANYWHERE,
    "upload": [{"kind": "reset"}, {"kind": "answer", "status": 503}],
    "create": [
        *_ANYWHERE,
        *_LATE,
        *_UNREADABLE,
        {"kind": "garble", "how": "without_task_id"},
        {"kind": "garble", "how": "duplicate_keys"},
        {"kind": "fate", "ends": "failed", "code": "InternalError.Timeout"},
        {"kind": "fate", "ends": "failed", "code": ""},
        {"kind": "fate", "ends": "failed", "code": "DataInspectionFailed"},
    ],
    "get": [
        *_ANYWHERE,
        *_UNREADABLE,
        {"kind": "report", "status": "UNKNOWN"},
        {"kind": "report", "status": "RUNNING"},
        {"kind": "report", "status": "NEWWORD"},
        {"kind": "report", "without_url": True},
    ],
    "list": [
        *_ANYWHERE,
        *_UNREADABLE,
        {"kind": "rows", "how": "late"},
        {"kind": "rows", "how": "missing"},
        {"kind": "rows", "how": "shifted"},
    ],
    "result": [
        {"kind": "reset"},
        *(
            {"kind": "file", "how": how}
            for how in (
                "truncated",
                "short_length",
                "expired",
                "xml",
                "html",
                "empty",
                "not_video",
                "wrong_crc",
                "slow",
                "redirect",
            )
        ),
    ],
}


@dataclass
class Soak:
    """One long story of jobs, faults and kills that a seed decides.

    Attributes:
        team: Whose jobs they are.
        jobs: How many.
        kills: How often the command is killed on its way.
        seed: Decides what is asked for, and when it is killed.
        runs: How many runs it took to finish what can be finished.
        told: How often the runs ended with which exit code.
    """

    team: Team
    jobs: int
    kills: int
    seed: int
    runs: int = 0
    told: Counter[int] = field(default_factory=Counter)

    def rows(self) -> list[dict[str, Any]]:
        """Returns the jobs: of both providers and models, from disk and web, some with the prompt of another."""
        chance = random.Random(self.seed)
        rows: list[dict[str, Any]] = []
        for index in range(self.jobs):
            name = f"job-{index:04}"
            if rows and chance.random() < 0.05:
                rows.append({**chance.choice(rows), "name": name, "seed": index})
            elif chance.random() < 0.2:
                rows.append(self.team.job(name, provider="apiyi"))
            else:
                model = chance.choice(["wan2.7-videoedit", "happyhorse-1.0-video-edit"])
                video = chance.choice([self.team.clip, str(self.team.local_clip)])
                rows.append(self.team.job(name, model=model, video=video))
        return rows

    def run(self) -> Done:
        """Lives through all of it and returns the last run, in which nothing went wrong any more."""
        manifest = self.team.manifest(*self.rows())
        self.team.emulator.set_faults(
            [
                Fault.model_validate({"operation": operation, "probability": PROBABILITY, "does": does})
                for operation, families in FAMILIES.items()
                for does in families
            ]
        )
        chance = random.Random(self.seed)
        for _ in range(self.kills):
            self._killed_run(manifest, chance)
        for _ in range(RUNS):
            done = self._whole_run(manifest)
            if all(job["state"] in ("published", "failed", "held") for job in done.json["jobs"]):
                break
        self.team.emulator.set_faults([])
        return self._whole_run(manifest)

    def _whole_run(self, manifest: str) -> Done:
        done = self.team.start("batch", manifest, "--json").done(LONGEST_RUN_SECONDS)
        assert done.code in (0, 1), done.said
        self.runs += 1
        self.told[done.code] += 1
        return done

    def _killed_run(self, manifest: str, chance: random.Random) -> None:
        operation: Operation = chance.choice(["create", "create", "get", "result"])
        stage = chance.choice(["received", "settled"])
        so_far = self.team.emulator.counters().operations
        asked = sum(count.received for name, count in so_far.items() if name.endswith(f" {operation}"))
        more = chance.randint(1, max(2, self.jobs // self.kills))
        working = self.team.start("batch", manifest, "--json")
        self.runs += 1
        while working.process.poll() is None:
            try:
                self.team.emulator.wait(operation=operation, stage=stage, count=asked + more, timeout=LOOK_SECONDS)
            except TimeoutError:
                continue
            break
        self.told[working.stop().code] += 1
