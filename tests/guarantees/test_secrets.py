"""A key that is planted in the environment is found nowhere else, whatever goes well or wrong."""

from dataclasses import replace
from pathlib import Path

from deployments.emulator import Fault
from tests.guarantees.command import Team
from tests.guarantees.evidence import files_below

PLANTED = "sk-planted-3f9c1b77d2e84a65"
#: Answers that quote the key back, as gateways do.
QUOTED = f"Incorrect API key provided: {PLANTED}."


def quoting(prompt: str, operation: str, status: int) -> Fault:
    does = {"kind": "answer", "status": status, "code": "InvalidParameter", "message": QUOTED}
    return Fault.model_validate({"operation": operation, "prompt": prompt, "does": does})


def test_a_key_appears_in_no_file_no_output_and_no_command_line(team: Team):
    team = replace(team, key=PLANTED)
    fine = {"operation": "get", "prompt": "fine", "does": {"kind": "report", "status": "RUNNING"}}
    failing = {"kind": "fate", "ends": "failed", "code": "InvalidParameter", "message": QUOTED}
    team.emulator.set_faults(
        [
            Fault.model_validate(fine),
            quoting("refused", "create", 400),
            quoting("unanswered", "create", 500),
            quoting("unseen", "get", 400),
            Fault.model_validate({"operation": "create", "prompt": "fails", "does": failing}),
        ]
    )
    names = ["fine", "refused", "unanswered", "unseen", "fails"]
    manifest = team.manifest(*(team.job(name) for name in names))
    working = team.start("batch", manifest, PREFECT_LOGGING_LEVEL="DEBUG")
    team.emulator.wait(operation="get", count=4)
    assert [line for line in command_lines() if PLANTED in line] == []
    team.emulator.set_faults(team.emulator.config.faults)
    said = [working.done(), *(team.run(command, "--json") for command in ("status", "sweep"))]
    said += [team.run(command) for command in ("status", "doctor")]
    assert said[0].code == 1
    assert [done.said for done in said if PLANTED in done.said] == []
    looked_at = [*files_below(team.folder), *files_below(team.home)]
    assert any(path.name == "prefect.db" for path in looked_at)
    assert [path for path in looked_at if PLANTED.encode() in path.read_bytes()] == []


def command_lines() -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_text(errors="replace"))
        except OSError:  # it has ended meanwhile
            continue
    return lines
