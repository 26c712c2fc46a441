"""The benchmark's picture: how long a batch takes over what is possible, and what everybody costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_COLOURS = {"SDK in a pool of threads": "#c9a227", "bare asyncio loop": "#8a8f98", "recut": "#1f6feb"}


def draw(results: Mapping[str, Any], file: Path) -> None:
    """Draws the contenders side by side, by the size of the batch.

    Args:
        results: What `scheduling.measure` found.
        file: Where to, a PNG.
    """
    full = results["full"]
    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure, (makespan, looks, delay) = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
        _bars(makespan, full, "makespan_over_bound", "Time over what no order can beat", less=1.0)
        makespan.set_ylabel("percent")
        _bars(looks, full, "polls", "Looks per provider task")
        _bars(delay, full, "delay_seconds", "Provider seconds until an end is noticed")
        figure.legend(*makespan.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(file, dpi=110, metadata={"Software": None})
        plt.close(figure)


def _bars(axes: Axes, full: Sequence[Mapping[str, Any]], figure: str, title: str, less: float = 0) -> None:
    names = [row["contender"] for row in full[0]["contenders"]]
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        values = [
            (row[figure] - less) * (100 if less else 1)
            for told in full
            for row in told["contenders"][place : place + 1]
        ]
        at = [index + (place - (len(names) - 1) / 2) * width for index in range(len(full))]
        drawn = axes.bar(at, values, width * 0.92, label=name, color=_COLOURS[name])
        axes.bar_label(drawn, fmt="%.1f", fontsize=8, padding=2)
    axes.set_xticks(range(len(full)), [f"{told['edits']} edits" for told in full])
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(axis="x", length=0)
