"""`recut doctor`: what is in order, what is not, and what to do; without creating anything."""

from pathlib import Path

import pytest

from deployments.emulator import Emulator
from tests.cli.recut import Recut


def test_a_sound_setup_is_called_so(recut: Recut, emulator: Emulator) -> None:
    done = recut("doctor")
    assert (done.code, done.err) == (0, "")
    assert "✗" not in done.out
    for check in ("prefect", "provider dashscope", "provider apiyi", "results"):
        assert f"✓ {check}: " in done.out
    assert "Everything a run needs is in order." in done.out
    assert emulator.audit() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"DASHSCOPE_API_KEY": "wrong-key"}, "InvalidApiKey: Invalid API-key provided; check the key"),
        ({"APIYI_API_KEY": "wrong-key"}, "✗ provider apiyi: {apiyi}"),
        ({"APIYI_BASE_URL": "http://127.0.0.1:9"}, "check the network and the provider's address"),
        ({"DASHSCOPE_API_KEY": None, "APIYI_API_KEY": None}, "✗ providers: neither has a key, so no job can run"),
        ({"RECUT_RESULTS": "/dev/null/results"}, "/dev/null/results"),
    ],
    ids=str,
)
def test_what_needs_mending_is_marked(
    recut: Recut, emulator: Emulator, changes: dict[str, str | None], told: str
) -> None:
    done = recut("doctor", **changes)
    assert done.code == 2
    assert told.format(apiyi=emulator.apiyi_base_url) in done.out
    assert "Something needs mending before a run." in done.out
    assert "wrong-key" not in done.said
    assert emulator.audit() == []


def test_a_provider_without_a_key_is_no_fault_when_the_other_has_one(recut: Recut) -> None:
    done = recut("doctor", "--json", APIYI_API_KEY=None)
    assert done.code == 0
    checks = {check["check"]: check for check in done.json["checks"]}
    assert done.json["ok"] is True
    assert checks["provider apiyi"]["ok"] is None
    assert "set APIYI_API_KEY" in checks["provider apiyi"]["found"]


def test_the_doctor_leaves_nothing_in_the_results(recut: Recut) -> None:
    recut("doctor")
    assert [path for path in Path(recut.results).rglob("*") if path.is_file()] == []


def test_the_ui_command_names_the_address_of_the_runs(prefect_ui: str) -> None:
    assert prefect_ui.startswith("The runs are at http://127.0.0.1:")
