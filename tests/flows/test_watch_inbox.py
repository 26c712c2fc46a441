"""Drops become edits: real files in real folders and buckets, a real Prefect server, a provider that keeps books."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.clients.store import Store, open_anywhere
from deployments.emulator import Emulator, Fault
from flows.commands.resolve import run_resolve
from flows.running.settings import RunOptions
from flows.telling.reports import BatchReport
from tests.conftest import Media

PROMPT = "turn it into claymation"


class Team:
    """Somebody who drops files into an inbox, and looks at what comes of it."""

    def __init__(self, emulator: Emulator, media: Media, results: str, inbox: str) -> None:
        self.emulator, self.media = emulator, media
        self.results, self.inbox = Store(results), open_anywhere(f"{inbox}/any")[0]
        self.url = inbox

    def drop(self, name: str, content: str | bytes | Path) -> None:
        """Puts a file into the inbox, whole and at once, as it were from another folder of the same disk."""
        if isinstance(content, Path):
            self.inbox.publish(name, content)
        else:
            self.inbox.write(name, content if isinstance(content, bytes) else content.encode())

    def clip(self, name: str, prompt: str | None = PROMPT) -> None:
        if prompt is not None:
            self.drop(f"{name.rpartition('.')[0]}.txt", prompt)
        self.drop(name, self.media.clip)

    async def watching(self, **arguments: Any) -> Any:
        from flows.watch_inbox import watch_inbox

        return await watch_inbox(self.url, return_state=True, **arguments)

    def watch(self, **arguments: Any) -> BatchReport:
        """Lets the flow run once, to its end."""
        state = asyncio.run(self.watching(**arguments))
        report = asyncio.run(state.aresult(raise_on_failure=False))
        if isinstance(report, BaseException):
            raise report
        assert isinstance(report, BatchReport)
        return report

    @property
    def created(self) -> list[str]:
        """The prompts of all provider tasks ever made, in order."""
        return [task.prompt for task in self.emulator.audit()]

    def files(self) -> list[str]:
        return self.inbox.names("")

    def note(self, name: str) -> str:
        return self.inbox.read(f"{name}.error.md").decode()

    def published(self) -> list[str]:
        return [name for name in self.results.names("") if name.endswith(".mp4")]


Hire = Callable[..., Team]


@pytest.fixture(params=["local", "s3"])
def team(request: pytest.FixtureRequest, prefect: str, providers: Emulator, media: Media, tmp_path: Path) -> Team:
    """A team whose inbox and results are on disk, or in a bucket."""
    monkeypatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setenv("RECUT_SETTLE_SECONDS", "0")
    monkeypatch.setenv("RECUT_INBOX_GRACE_SECONDS", "0")
    monkeypatch.setenv("RECUT_INBOX_SECONDS", "0.2")
    place = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    monkeypatch.setenv("RECUT_RESULTS", f"{place}/results")
    return Team(providers, media, f"{place}/results", f"{place}/inbox")


def test_a_clip_with_its_prompt_comes_out_published_and_costs_nothing_more(team: Team) -> None:
    team.clip("coat.mp4")
    report = team.watch()
    assert (report.succeeded, report.failed, report.held) == (1, 0, 0)
    assert team.created == [PROMPT]
    assert [name.startswith("coat-") for name in team.published()] == [True]
    assert team.watch().jobs == []
    assert team.created == [PROMPT]
