"""In which order a batch creates, across its shards."""

import importlib
import json

import pytest

from flows.running.settings import RunOptions
from tests.clips import make_clip

#: By name: the package's attribute of that name is the flow.
module = importlib.import_module("flows.edit_batch")
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("prefect")]


async def test_the_longest_clips_are_created_first_across_all_shards(providers, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_SIZE", 1)
    monkeypatch.setattr("flows.running.window.BESIDE_SLOTS", 0)  # what uploads ahead may overtake
    monkeypatch.setenv("RECUT_MAX_RUNNING", "1")
    clips = [make_clip(tmp_path / f"{seconds}.mp4", seconds=seconds, fps=8) for seconds in (3, 5, 4)]
    manifest = tmp_path / "jobs.jsonl"
    manifest.write_text("\n".join(json.dumps({"video": str(clip), "prompt": clip.stem}) for clip in clips))
    state = await module.edit_batch(str(manifest), RunOptions(), return_state=True)
    assert state.is_completed(), state.message
    created = sorted(providers.audit(), key=lambda entry: entry.submitted_at)
    assert [entry.prompt for entry in created] == ["5", "4", "3"]
