"""The scheduling benchmark told in Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any


def told(results: Mapping[str, Any]) -> str:
    """Returns the Markdown of what `scheduling.measure` found."""
    return "\n".join([*_full(results["full"]), *_overhead(results["overhead"]), *_memory(results), *_sharing(results)])


def _full(full: list[Mapping[str, Any]]) -> Iterator[str]:
    run_time, scale = full[0]["run_time"], full[0]["clock_scale"]
    yield "## Keeping the slots full\n"
    yield (
        f"{full[0]['slots']} slots; run times lognormal, median {run_time['median']:.0f} s, 95th percentile "
        f"{run_time['p95']:.0f} s; provider time {scale:.0f} times as fast, so recut's own real time weighs "
        f"{scale:.0f} times as much. All three at the same time, at providers with the same run times in the same "
        "order.\n"
    )
    yield (
        "| edits | contender | over the bound | ideal | utilisation | looks | noticed after, s | least, s | 429s "
        "| CPU s per 1,000 | peak MB |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for told_ in full:
        for row in told_["contenders"]:
            yield (
                f"| {told_['edits']} | {row['contender']} | {row['makespan_over_bound']:.3f} "
                f"| {row['ideal_over_bound']:.3f} | {row['utilisation']:.3f} | {row['polls']:.1f} "
                f"| {row['delay_seconds']:.2f} | {row['least_delay_seconds']:.2f} | {row['throttled']} "
                f"| {row['cpu_seconds_per_1000']:.0f} | {row['peak_megabytes']:.0f} |"
            )
    yield (
        "\nThe bound: all run times over all slots, or the longest one. Ideal: the same run times in the same order, "
        "every freed slot filled at once. Utilisation: until no provider task was left to start. Least: what so many "
        "looks allow at best for these run times. The SDK's waits are divided by the clock scale too.\n"
    )


def _overhead(overhead: Mapping[str, Any]) -> Iterator[str]:
    yield "## What everybody costs\n"
    yield f"{overhead['edits']} edits that take the provider no time. CPU per edit beyond the first one.\n"
    yield "| | CPU ms per edit | Prefect server, CPU ms per edit | one edit, from command to end, s |"
    yield "|---|---|---|---|"
    for row in overhead["contenders"]:
        yield (
            f"| {row['contender']} | {row['cpu_ms_per_edit']:.0f} | {max(0, row['server_cpu_ms_per_edit']):.0f} "
            f"| {row['start_seconds']:.1f} |"
        )
    yield ""


def _memory(results: Mapping[str, Any]) -> Iterator[str]:
    memory = results["memory"]
    sizes = ", ".join(f"{edits} edits {peak:.0f} MB" for edits, peak in memory["peak_megabytes"].items())
    yield f"Peak memory of `recut batch`: {sizes}; its Prefect server by then: {memory['server_megabytes']:.0f} MB.\n"


def _sharing(results: Mapping[str, Any]) -> Iterator[str]:
    yield "## Several processes on one account\n"
    yield (
        "| edits | slots | processes | over the bound | ideal | utilisation | looks | noticed after, s | least, s "
        "| most running | 429s | CPU s per 1,000 | peak MB each |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for shared in results["sharing"]:
        for row in shared["runs"]:
            yield (
                f"| {shared['edits']} | {shared['slots']} | {row['processes']} | {row['makespan_over_bound']:.3f} "
                f"| {row['ideal_over_bound']:.3f} | {row['utilisation']:.3f} "
                f"| {row['polls']:.1f} | {row['delay_seconds']:.2f} "
                f"| {row['least_delay_seconds']:.2f} | {row['most_running']} | {row['throttled']} "
                f"| {row['cpu_seconds_per_1000']:.0f} | {row['peak_megabytes']:.0f} |"
            )
    yield ""
