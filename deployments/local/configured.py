"""What the user has told Prefect, read from Prefect's own places without importing Prefect.

Importing Prefect takes more than a second and fixes its settings, so the question "has a server been
configured?" must be answered before. Order of Prefect 3: environment, `.env`, `prefect.toml`,
`pyproject.toml`, the active profile; the files are those of the working directory.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values


def configured_settings() -> dict[str, str]:
    """Returns the Prefect settings the user has made, by environment name.

    Of `prefect.toml` and `pyproject.toml` only the API URL and the profiles' path are read.
    """
    found: dict[str, str] = {}
    for source in (os.environ, dotenv_values(".env"), _project_settings()):
        found = _given(source) | found
    return _given(_profile(found)) | found


def ui_url(api_url: str) -> str:
    """Returns where people look at what the API at `api_url` knows, as Prefect itself derives it."""
    if urlsplit(api_url).hostname == "api.prefect.cloud":
        path = urlsplit(api_url).path.removeprefix("/api")
        path = path.replace("/accounts/", "/account/").replace("/workspaces/", "/workspace/")
        return f"https://app.prefect.cloud{path}"
    return api_url.rstrip("/").removesuffix("/api")


def _given(source: Mapping[str, str | None]) -> dict[str, str]:
    """An empty variable is given too: to Prefect it says that there is no server, whatever a profile says."""
    return {name: value for name, value in source.items() if value is not None and name.startswith("PREFECT_")}


def _project_settings() -> dict[str, str]:
    settings: dict[str, str] = {}
    for table in (_toml(Path("pyproject.toml")).get("tool", {}).get("prefect", {}), _toml(Path("prefect.toml"))):
        if url := table.get("api", {}).get("url"):
            settings["PREFECT_API_URL"] = url
        if path := table.get("profiles_path"):
            settings["PREFECT_PROFILES_PATH"] = path
    return settings


def _profile(found: Mapping[str, str]) -> dict[str, str]:
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    profiles = _toml(Path(found.get("PREFECT_PROFILES_PATH") or home / "profiles.toml"))
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    return {name: str(value) for name, value in profiles.get("profiles", {}).get(active, {}).items()}


def _toml(path: Path) -> dict[str, Any]:
    """Prefect itself complains about a file it cannot parse; here it merely configures nothing."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
