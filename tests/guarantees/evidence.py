"""What is true after all the trouble: in the provider's books, in the journal, and in the results folder."""

import hashlib
import io
import json
from collections import Counter
from decimal import Decimal
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import av

from deployments.emulator.audit import AuditEntry
from tests.guarantees.command import Team

Records = list[dict[str, Any]]
_ORDER = ("intent", "unanswered", "refused", "submitted", "decided", "settled")


def records_of(team: Team) -> dict[str, Records]:
    """Returns the journal's records by the name of their job, in the order of the protocol."""
    found: dict[str, Records] = {}
    for name in team.store.names(".recut/journal/"):
        folder, _, file = name.rpartition("/")
        if fnmatch(file, "*-*.json"):
            found.setdefault(folder, []).append(json.loads(team.store.read(name)))
    jobs: dict[str, Records] = {}
    for records in found.values():
        records.sort(key=lambda one: (one.get("attempt", 0), _ORDER.index(one.get("kind", "intent"))))
        intent = next((record for record in records if record.get("kind") == "intent"), None)
        if intent is not None:
            jobs[intent["name"]] = records
    return jobs


def kinds(records: Records) -> list[str]:
    """Returns what is recorded of a job, such as ``1 intent``."""
    return [f"{record['attempt']} {record['kind']}" for record in records]


def tasks_of(team: Team, name: str) -> list[AuditEntry]:
    """Returns the provider tasks that were made for a job."""
    return [task for task in team.emulator.audit() if task.prompt == name]


def assert_published(team: Team, name: str) -> None:
    """Asserts that a job's result is the one that was paid for, whole and playable, and settled."""
    video, sidecar = team.store.read(f"{name}.mp4"), json.loads(team.store.read(f"{name}.json"))
    (settled,) = published(records_of(team)[name])
    assert settled["sha256"] == sidecar["result"]["sha256"] == hashlib.sha256(video).hexdigest()
    assert sidecar["provider_task_id"] in {task.provider_task_id for task in team.emulator.audit()}
    assert_plays(video)


def assert_no_part_is_a_result(team: Team) -> None:
    """Asserts that everything under a result's name can be played to its end."""
    for name in team.store.names(""):
        if name.endswith(".mp4"):
            assert_plays(team.store.read(name))


def assert_plays(video: bytes) -> None:
    with av.open(io.BytesIO(video)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) > 0


def assert_nothing_twice(team: Team, *, jobs_per_prompt: Counter[str] | None = None) -> None:
    """Asserts that no job has a second provider task that is or may be billed."""
    wanted = jobs_per_prompt or Counter()
    made = Counter(task.prompt for task in team.emulator.audit() if task.status not in ("FAILED", "CANCELED"))
    assert {prompt: count for prompt, count in made.items() if count > wanted.get(prompt, 1)} == {}


def assert_spend_is_the_bill(team: Team) -> None:
    """Asserts that for every published job the journal says what the provider bills, to the cent.

    APIYI never says what it bills; there the estimate stands, says so, and is not below the bill.
    """
    bill = {task.provider_task_id: task for task in team.emulator.audit()}
    for name, records in records_of(team).items():
        submitted = {record["attempt"]: record for record in records if record["kind"] == "submitted"}
        for settled in published(records):
            task, cost = bill[submitted[settled["attempt"]]["provider_task_id"]], settled["cost"]
            assert cost["currency"] == task.currency, name
            if task.provider == "apiyi":
                assert cost["estimated"] and cents(cost["amount"]) >= cents(task.cost), name
            else:
                assert not cost["estimated"] and cents(cost["amount"]) == cents(task.cost), name


def published(records: Records) -> Records:
    return [record for record in records if record["kind"] == "settled" and record["state"] == "published"]


def spent(team: Team, provider: str = "dashscope") -> Decimal:
    """Returns the sum of what the journal says was spent at a provider."""
    settled = [
        record
        for records in records_of(team).values()
        if records[0]["endpoint"]["provider"] == provider
        for record in published(records)
    ]
    return cents(sum(Decimal(str(record["cost"]["amount"])) for record in settled))


def billed(team: Team, provider: str = "dashscope") -> Decimal:
    """Returns the sum a provider bills."""
    return cents(sum(Decimal(str(task.cost)) for task in team.emulator.audit() if task.provider == provider))


def cents(amount: float | Decimal) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
