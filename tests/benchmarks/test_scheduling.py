"""The scheduling benchmark at its smallest: what it measures is still there to be measured."""

from PIL import Image

from tests.benchmarks import plots, scheduling, scheduling_report

SMALLEST = scheduling.Size(
    full=(6,), overhead=1, memory=(1, 2), shared=4, wide=8, wide_slots=4, wide_clock_scale=scheduling.CLOCK_SCALE
)


def test_the_scheduling_benchmark_runs_and_tells_of_every_contender(tmp_path):
    found = scheduling.measure(tmp_path, SMALLEST)
    told = scheduling_report.told(found)
    assert [line.split(" | ")[1] for line in told.splitlines() if line.startswith("| 6 ")] == [
        "SDK in a pool of threads",
        "bare asyncio loop",
        "recut",
    ]
    assert [row["throttled"] for shared in found["sharing"] for row in shared["runs"]] == [0, 0, 0, 0]
    assert "Peak memory of `recut batch`: 1 edits" in told
    plots.draw(found, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > picture.height
