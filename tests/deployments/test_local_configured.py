"""Which Prefect server the user has configured, and what is said when it is not there."""

import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prefect.settings import Settings

from deployments.local.configured import configured_settings, ui_url
from deployments.local.health import ServerUnreachable, require_answer

URL = "http://prefect.example:4200/api"
ENVIRONMENT = {"PREFECT_API_URL": URL}
DOTENV = {".env": f"PREFECT_API_URL={URL}"}
PREFECT_TOML = {"prefect.toml": f"[api]\nurl = '{URL}'"}
PYPROJECT = {"pyproject.toml": f"[tool.prefect.api]\nurl = '{URL}'"}
PROFILE = {"home/profiles.toml": f"active = 'team'\n[profiles.team]\nPREFECT_API_URL = '{URL}'"}
PROFILE_ELSEWHERE = {"mine.toml": f"active = 'team'\n[profiles.team]\nPREFECT_API_URL = '{URL}'"}
PROFILE_NOT_ACTIVE = {"home/profiles.toml": f"active = 'a'\n[profiles.a]\n[profiles.b]\nPREFECT_API_URL = '{URL}'"}


@pytest.mark.parametrize(
    ("environment", "files", "url"),
    [
        pytest.param({}, {}, None, id="nothing"),
        pytest.param(ENVIRONMENT, {}, URL, id="environment"),
        pytest.param({"PREFECT_API_URL": ""}, PROFILE, "", id="an empty variable before the profile"),
        pytest.param({}, DOTENV, URL, id="dotenv"),
        pytest.param({}, PREFECT_TOML, URL, id="prefect.toml"),
        pytest.param({}, PYPROJECT, URL, id="pyproject.toml"),
        pytest.param({}, PROFILE, URL, id="profile"),
        pytest.param({}, PROFILE_NOT_ACTIVE, None, id="a profile that is not active"),
        pytest.param({"PREFECT_PROFILE": "b"}, PROFILE_NOT_ACTIVE, URL, id="a profile chosen by its variable"),
        pytest.param({"PREFECT_PROFILES_PATH": "mine.toml"}, PROFILE_ELSEWHERE, URL, id="profiles elsewhere"),
        pytest.param(ENVIRONMENT, {".env": "PREFECT_API_URL=http://no/api"}, URL, id="environment before dotenv"),
        pytest.param({}, DOTENV | {"prefect.toml": "[api]\nurl = 'http://no/api'"}, URL, id="dotenv before toml"),
    ],
)
def test_the_server_is_found_where_prefect_itself_finds_it(tmp_path, monkeypatch, environment, files, url):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("PREFECT_"):
            monkeypatch.delenv(name)
    for name, value in ({"PREFECT_HOME": str(tmp_path / "home")} | environment).items():
        monkeypatch.setenv(name, value)
    assert configured_settings().get("PREFECT_API_URL") == url
    assert Settings().api.url == url


def test_a_profile_also_says_which_settings_are_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "profiles.toml").write_text("active = 'a'\n[profiles.a]\nPREFECT_LOGGING_LEVEL = 'DEBUG'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_LOGGING_LEVEL", raising=False)
    assert configured_settings()["PREFECT_LOGGING_LEVEL"] == "DEBUG"


@pytest.mark.parametrize(
    ("api", "ui"),
    [
        ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200"),
        ("https://prefect.example/api/", "https://prefect.example"),
        (
            "https://api.prefect.cloud/api/accounts/A/workspaces/W",
            "https://app.prefect.cloud/account/A/workspace/W",
        ),
    ],
)
def test_the_ui_is_found_from_the_api(api, ui):
    assert ui_url(api) == ui


def test_a_configured_server_that_does_not_answer_is_named_and_nothing_is_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    script = "from deployments.local import prefect_server\nwith prefect_server(): print('entered')"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PREFECT_API_URL": url, "RECUT_HOME": str(tmp_path / "recut")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == ""
    assert f"configured as {url} does not answer" in result.stderr
    assert "Nothing was created." in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "content_type", "problem"),
    [
        (200, "application/json", None),
        (401, "application/json", None),
        (200, "text/html", "answers with a web page. An API address usually ends in /api"),
        (503, "text/plain", "answers 503"),
    ],
)
def test_what_answers_must_be_a_prefect_api(status, content_type, problem):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/api"
            if problem:
                with pytest.raises(ServerUnreachable, match=problem):
                    require_answer(url)
            else:
                require_answer(url)
        finally:
            server.shutdown()


def test_an_address_that_is_none_is_refused_in_words():
    with pytest.raises(ServerUnreachable, match="Nothing was created"):
        require_answer("prefect.example/api")
