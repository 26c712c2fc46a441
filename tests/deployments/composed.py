"""compose.yaml without containers: the same commands in the same environment, host names read as this machine."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.deployments.standing import eventually, free_port
from tests.needed import without

FILE = Path(__file__).parents[2] / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def services() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())["services"]


def said(value: str, given: Mapping[str, str]) -> str:
    """Puts variables into a value as Compose does.

    Raises:
        KeyError: One that must be given is not.
    """

    def put(match: re.Match[str]) -> str:
        found = given.get(match["name"])
        if found or match["kind"] is None:
            return found or ""
        if match["kind"] == "?":
            raise KeyError(match["name"])
        return match["rest"]

    return _VARIABLE.sub(put, value)


def environment(service: str, given: Mapping[str, str], hosts: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of a service, its neighbours found on this machine."""
    found = {}
    for name, value in services()[service].get("environment", {}).items():
        text = given.get(name) if value is None else said(value, given)
        for host, here in hosts.items():
            text = text and text.replace(host, here)
        if text is not None:
            found[name] = text
    return found


def module(service: str) -> list[str]:
    """Returns the Python module that a service runs, with its arguments."""
    program, *arguments = services()[service]["command"]
    assert program in ("prefect", "python"), program
    return [program, *arguments] if program == "prefect" else arguments[1:]


def binary(name: str) -> str:
    """Returns where a program of PostgreSQL or Redis is; a test that needs a missing one says so."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ["PATH"], *map(str, folders)])
    found = shutil.which(name, path=path)
    if found is None:
        without(f"{name} is not installed (Debian: postgresql, redis-server)")
    return found


@contextmanager
def postgres(password: str) -> Iterator[int]:
    """Runs a PostgreSQL server with the database and user of compose.yaml; gives its port."""
    initdb, server, psql = binary("initdb"), binary("postgres"), binary("psql")
    folder = Path(tempfile.mkdtemp(prefix="recut-postgres-"))
    # PostgreSQL does not run as root.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    secret = folder / "password"
    secret.write_text(password)
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
        shutil.chown(secret, "postgres", "postgres")
    port = free_port()
    try:
        subprocess.run(
            [*as_user, initdb, "-D", folder / "data", "-U", "prefect", "-A", "scram-sha-256", f"--pwfile={secret}"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        running = subprocess.Popen(
            [*as_user, server, "-D", folder / "data", "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"],
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        ask = [psql, "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "-d", "postgres", "-c"]
        login = os.environ | {"PGPASSWORD": password}
        eventually(
            lambda: (
                subprocess.run(
                    [*ask, "create database prefect"], env=login, capture_output=True, check=False
                ).returncode
                == 0
            ),
            "PostgreSQL takes a database",
        )
        yield port
        running.kill()
        running.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[int]:
    """Runs a Redis server; gives its port."""
    server, client, port = binary("redis-server"), binary("redis-cli"), free_port()
    running = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
    )
    try:
        ping = [client, "-p", str(port), "ping"]
        eventually(lambda: subprocess.run(ping, capture_output=True, check=False).stdout == b"PONG\n", "Redis answers")
        yield port
    finally:
        running.kill()
        running.wait()
