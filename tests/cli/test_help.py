from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.recut import Recut, basic_environment

COMMANDS = (
    "demo",
    "plan",
    "edit",
    "batch",
    "status",
    "sweep",
    "cancel",
    "resolve",
    "doctor",
    "emulator",
    "ui",
)


@pytest.fixture
def bare(tmp_path: Path) -> Recut:
    """The command before anything is set up."""
    return Recut(tmp_path, basic_environment(tmp_path))


@pytest.mark.parametrize("asked", [["--help"], []])
def test_the_help_names_every_command_and_both_promises(bare: Recut, asked: list[str]) -> None:
    done = bare(*asked)
    assert done.code == 0
    assert all(f" {command} " in done.out for command in COMMANDS)
    assert "never pays twice" in " ".join(done.out.split())
    assert done.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_within_80_columns(bare: Recut, command: str) -> None:
    done = bare(command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: recut {command}")
    assert max(len(line) for line in done.out.splitlines()) <= 80
    assert "key STR" not in done.out  # keys come from the environment or saved blocks only
    assert done.err == ""


def test_the_version_is_the_packages_own(bare: Recut) -> None:
    done = bare("--version")
    assert (done.code, done.out.strip()) == (0, version("recut"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["edict"], "edict"),
        (["batch"], "MANIFEST"),
        (["edit"], "CLIP"),
        (["batch", "jobs.csv", "--max-costs", "3"], "--max-cost"),
        (["batch", "jobs.csv", "--max-cost", "much"], "much"),
        (["batch", "jobs.csv", "--max-cost", "-1"], "max_cost"),
        (["batch", "jobs.csv", "--provider", "openai"], '"dashscope", "apiyi"'),
        (["edit", "clip.mp4", "--seed", "lucky"], "lucky"),
        (["resolve", "job"], "--recreate, --abandon and --adopt"),
        (["resolve", "job", "--recreate", "--abandon"], "--recreate, --abandon and --adopt"),
    ],
)
def test_a_command_that_is_said_wrong_is_refused_in_a_line(bare: Recut, arguments: list[str], told: str) -> None:
    done = bare(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("recut: ")
    assert done.err.count("\n") == 1
    assert told in done.err


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("RECUT_PROVIDER", "openai", "RECUT_PROVIDER: Input should be 'dashscope' or 'apiyi'"),
        ("RECUT_CLOCK_SCALE", "0", "RECUT_CLOCK_SCALE: Input should be greater than 0"),
        ("RECUT_MAX_COST", "much", "RECUT_MAX_COST: Input should be a valid decimal"),
        ("RECUT_CATALOG", "nowhere.yaml", "nowhere.yaml"),
        ("DASHSCOPE_API_REGION", "mars", "unknown region 'mars'; DashScope's regions are ap-southeast-1, cn-beijing"),
        ("DASHSCOPE_HTTP_BASE_URL", "http://example.com/api/v1", "would send the key unencrypted; use https"),
        ("RECUT_RESULTS", "ftp://user:word@127.0.0.1:9/in", "cannot open ftp://127.0.0.1:9/in: ConnectionRefusedError"),
        ("APIYI_BASE_URL", "http://10.0.0.7", "would send the key unencrypted; use https"),
        ("APIYI_BASE_URL", "api.apiyi.com", "is not an http(s) address"),
    ],
)
def test_a_setting_that_cannot_be_is_named(bare: Recut, variable: str, value: str, told: str) -> None:
    done = bare("plan", "clip.mp4", **{variable: value})
    assert done.code == 2
    assert done.err.startswith("recut: ")
    assert told in done.err
