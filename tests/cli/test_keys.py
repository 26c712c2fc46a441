"""A key the provider refuses: found out by the first thing that needs it, told plainly, and shown to nobody."""

from pathlib import Path

import pytest

from deployments.emulator import Emulator
from tests.cli.recut import Recut
from tests.cli.shelf import Shelf


@pytest.mark.parametrize(
    ("provider", "on_the_web", "asked_first"),
    [
        ("dashscope", False, "dashscope policy"),
        ("dashscope", True, "dashscope create"),
        ("apiyi", True, "apiyi create"),
    ],
)
def test_a_refused_key_costs_nothing_is_told_for_each_job_and_is_written_nowhere(
    recut: Recut, emulator: Emulator, shelf: Shelf, home: Path, provider: str, on_the_web: bool, asked_first: str
) -> None:
    key = f"wrong-{provider}-{on_the_web}-2b7e151628aed2a6"
    where = shelf.web if on_the_web else shelf.file
    rows = [
        {"video": where("clip.mp4"), "reference_images": [where("coat.png")], "prompt": "Night", "name": f"job-{n}"}
        for n in range(3)
    ]
    done = recut(
        "batch",
        recut.write("jobs.jsonl", rows),
        "--provider",
        provider,
        **{f"{provider.upper()}_API_KEY": key},
    )
    assert done.code == 2
    assert "0 of 3 published, 3 without result; nothing was created in this run" in done.out
    assert [done.out.count(f"✗ job-{n}  failed") for n in range(3)] == [1, 1, 1]
    assert done.out.count("nothing was created and nothing is billed") == 3
    assert done.out.count("→ check the key") == 3
    assert set(emulator.counters().operations) - {"dashscope limits"} == {asked_first}
    assert emulator.audit() == []
    assert key not in done.said
    places = [recut.folder, home]
    written = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert not [path for path in written if key.encode() in path.read_bytes()]
