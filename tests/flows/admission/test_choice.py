"""Who keeps the limits: plain to tell from where the Prefect server is, and for the team to overrule."""

import pytest

from flows.admission.choice import keeper_of_limits
from flows.running.settings import Settings


@pytest.mark.parametrize(
    ("setting", "api_url", "keeper"),
    [
        (None, None, "machine"),
        (None, "http://127.0.0.1:4200/api", "machine"),
        (None, "http://localhost:4200/api", "machine"),
        (None, "https://prefect.example/api", "server"),
        (None, "http://prefect-server:4200/api", "server"),
        ("server", "http://127.0.0.1:4200/api", "server"),
        ("machine", "https://prefect.example/api", "machine"),
    ],
)
def test_a_server_elsewhere_keeps_the_limits_unless_the_team_says_otherwise(monkeypatch, setting, api_url, keeper):
    if setting:
        monkeypatch.setenv("RECUT_LIMITS", setting)
    assert keeper_of_limits(Settings(), api_url) == keeper
