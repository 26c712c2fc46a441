"""A provider in a process of its own, so that its work is nobody's overhead, and its books."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from deployments.emulator import WAN
from deployments.emulator.audit import AuditEntry, Counters


class Provider:
    """A running provider.

    Args:
        url: Scheme, host and port.
        clock_scale: Provider seconds in one real second.
    """

    def __init__(self, url: str, clock_scale: float) -> None:
        self._url = url
        self.base_url = f"{url}/api/v1"
        self.clock_scale = clock_scale

    def audit(self) -> list[AuditEntry]:
        """Every accepted create with what became of it."""
        return [AuditEntry.model_validate(entry) for entry in self._told("audit")]

    def counters(self) -> Counters:
        """Everything counted."""
        return Counters.model_validate(self._told("counters"))

    def _told(self, name: str) -> Any:
        return httpx.get(f"{self._url}/_emulator/{name}", timeout=60).raise_for_status().json()


@contextmanager
def provider(folder: Path, *, clock_scale: float, run_time: dict[str, float], **limits: float) -> Iterator[Provider]:
    """Runs a provider while the context is open.

    Args:
        folder: Its own folder, which may not exist yet.
        clock_scale: Provider seconds in one real second.
        run_time: Median and 95th percentile of a provider task's run, in provider seconds.
        limits: Limits other than the provider's published ones.
    """
    folder.mkdir(parents=True)
    settings = folder / "provider.yaml"
    config = {
        "port": 0,
        "effort": "quick",
        "clock_scale": clock_scale,
        "run_times": {WAN: run_time},
        "limits": limits,
        "data_folder": str(folder / "data"),
    }
    settings.write_text(yaml.safe_dump(config))
    process = subprocess.Popen(
        [sys.executable, "-m", "deployments.emulator", settings], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield Provider(process.stdout.readline().strip(), clock_scale)
    finally:
        process.terminate()
        process.wait()
