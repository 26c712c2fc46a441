"""Commands that run no flow do not wait for Prefect's import."""

import signal
import subprocess
import sys

import pytest

from tests.cli.recut import Recut
from tests.cli.shelf import Shelf

_SAYS_WHAT_IT_LOADED = """
import sys
from flows.cli import main
try:
    main()
finally:
    print("prefect" in sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "clip"], ["status"], ["batch", "nowhere.csv"]], ids=str)
def test_a_command_without_a_flow_leaves_prefect_alone(recut: Recut, shelf: Shelf, arguments: list[str]) -> None:
    arguments = [shelf.file("clip.mp4") if argument == "clip" else argument for argument in arguments]
    ran = subprocess.run(
        [sys.executable, "-c", _SAYS_WHAT_IT_LOADED, *arguments],
        cwd=recut.folder,
        env=recut.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.splitlines()[-1] == "False"


def test_the_emulator_leaves_prefect_alone(recut: Recut) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _SAYS_WHAT_IT_LOADED, "emulator", "--port", "0"],
        cwd=recut.folder,
        env={**recut.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "answers at" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err == "False\n"
