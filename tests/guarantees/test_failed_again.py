"""Provider tasks that FAIL cost nothing: how often a job is tried again follows the reason, each time by an intent."""

from typing import Any

from deployments.emulator import Fault
from tests.guarantees.command import Team
from tests.guarantees.evidence import assert_published, kinds, records_of, tasks_of

TRIES = 3
#: What becomes of the provider tasks of a prompt: the code they fail with, and how many of them do.
FATES: dict[str, tuple[str, int | None]] = {
    "passing": ("InternalError.Timeout", 2),
    "lasting": ("InternalError", None),
    "unexplained": ("", None),
    "inspected": ("DataInspectionFailed", None),
    "invalid": ("InvalidParameter", None),
}


def fails(prompt: str, code: str, times: int | None) -> Fault:
    does: dict[str, Any] = {"kind": "fate", "ends": "failed", "code": code}
    return Fault.model_validate({"operation": "create", "prompt": prompt, "times": times, "does": does})


def test_a_failed_provider_task_is_tried_again_by_its_reason_and_each_try_has_its_own_intent(team: Team):
    team.emulator.set_faults([fails(name, *fate) for name, fate in FATES.items()])
    manifest = team.manifest(*(team.job(name) for name in FATES))
    reported = team.batch(manifest, RECUT_MAX_ATTEMPTS=str(TRIES))
    tries = {name: len(tasks_of(team, name)) for name in FATES}
    assert tries == {"passing": 3, "lasting": 3, "unexplained": 3, "inspected": 1, "invalid": 1}
    assert {name: job["state"] for name, job in reported.items()} == {
        name: "published" if name == "passing" else "failed" for name in FATES
    }
    assert_published(team, "passing")
    for name, records in records_of(team).items():
        assert kinds(records) == [
            f"{number} {kind}" for number in range(1, tries[name] + 1) for kind in ("intent", "submitted", "settled")
        ]
    assert {
        name: job["created"] for name, job in team.batch(manifest, RECUT_MAX_ATTEMPTS=str(TRIES)).items()
    } == dict.fromkeys(FATES, False)
    assert {name: len(tasks_of(team, name)) for name in FATES} == tries
