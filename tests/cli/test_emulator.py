"""`recut emulator`: a provider to point anything at."""

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.cli.recut import Recut, Running, basic_environment


@pytest.fixture
def bare(tmp_path: Path) -> Recut:
    return Recut(tmp_path, {**basic_environment(tmp_path), "PYTHONUNBUFFERED": "1"})


def read_until(running: Running, words: str) -> str:
    """Returns what a command has said once it has said certain words."""
    assert running.process.stdout is not None
    said = ""
    while words not in said:
        line = running.process.stdout.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_answers_answers_there_and_stops_cleanly(bare: Recut, number: signal.Signals) -> None:
    running = bare.start("emulator", "--port", 0, "--clock-scale", 30)
    said = read_until(running, "Ctrl-C stops it")
    variables = dict(word.split("=", 1) for word in said.split() if "=" in word)
    assert variables["DASHSCOPE_HTTP_BASE_URL"] == f"{variables['APIYI_BASE_URL']}/api/v1"
    assert variables["RECUT_CLOCK_SCALE"] == "30"
    with urllib.request.urlopen(f"{variables['APIYI_BASE_URL']}/_emulator/clock") as answer:
        assert json.load(answer)["scale"] == 30
    with urllib.request.urlopen(variables["APIYI_BASE_URL"]) as page:
        assert b"<html" in page.read()
    running.send(number)
    done = running.done()
    assert (done.code, done.out, done.err) == (0, "", "")


def test_an_edit_runs_against_it_as_it_says(recut: Recut, bare: Recut, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "port: 0\neffort: quick\nclock_scale: 60\nrun_times: {wan2.7-videoedit: {median: 1}}\n"
        "faults: [{operation: create, nth: [1], does: {kind: answer, status: 429, code: Throttling}}]\n"
    )
    running = bare.start("emulator", "--config", "config.yaml")
    said = read_until(running, "Ctrl-C stops it")
    variables = dict(word.split("=", 1) for word in said.split() if "=" in word)
    clip = Path(__file__).parents[2] / "deployments" / "samples" / "bigbuckbunny.mp4"
    done = recut("edit", clip, "--prompt", "Make it night", "--resolution", "720P", **variables)
    assert done.code == 0, done.said
    running.send(signal.SIGINT)
    assert running.done().code == 0


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("prot: 8710\n", "prot: Extra inputs are not permitted"),
        ("port: 99999\n", "port: Input should be less than or equal to 65535"),
        ("faults: [{operation: sleep, does: {kind: hang}}]\n", "faults.0.operation: Input should be"),
        ("port: [\n", "is not valid YAML"),
        ("- 8710\n", "Input should be a valid dictionary"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(bare: Recut, tmp_path: Path, config: str, told: str) -> None:
    (tmp_path / "config.yaml").write_text(config)
    done = bare("emulator", "--config", "config.yaml")
    assert done.code == 2
    assert told in done.err


def test_a_port_that_is_taken_is_named(bare: Recut) -> None:
    running = bare.start("emulator", "--port", 0)
    said = read_until(running, "Ctrl-C stops it")
    port = said.split("http://127.0.0.1:")[1].split()[0]
    done = bare("emulator", "--port", port)
    assert done.code == 2
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port" in done.err
    running.send(signal.SIGINT)
    running.done()


def test_a_configuration_that_is_not_there_is_named(bare: Recut) -> None:
    done = bare("emulator", "--config", "nowhere.yaml")
    assert (done.code, done.err) == (2, "recut: nowhere.yaml: No such file or directory\n")
