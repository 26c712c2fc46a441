"""In which order a batch creates, across its shards."""

import importlib
import json

import pytest

from flows.running.settings import RunOptions
from tests.clips import make_clip

#: By name: the package's attribute of that name is the flow.
module = importlib.import_module("flows.edit_batch")
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("prefect")]


async def test_the_longest_clips_of_a_model_are_created_first_across_all_shards(providers, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_SIZE", 2)
    monkeypatch.setattr("flows.running.window.BESIDE_SLOTS", 0)  # what uploads ahead may overtake
    monkeypatch.setenv("RECUT_MAX_RUNNING", "1")
    seconds = [3, 7, 4, 6, 5]
    jobs = [
        {
            "video": str(make_clip(tmp_path / f"{length}.mp4", seconds=length, fps=8)),
            "prompt": str(length),
            "model": model,
        }
        for length in seconds
        for model in ("wan2.7-videoedit", "happyhorse-1.0-video-edit")
    ]
    manifest = tmp_path / "jobs.jsonl"
    manifest.write_text("\n".join(json.dumps(job) for job in jobs))
    state = await module.edit_batch(str(manifest), RunOptions(), return_state=True)
    assert state.is_completed(), state.message
    for model in ("wan2.7-videoedit", "happyhorse-1.0-video-edit"):
        entries = sorted(providers.audit(), key=lambda entry: entry.submitted_at)
        assert [entry.prompt for entry in entries if entry.model == model] == ["7", "6", "5", "4", "3"]
