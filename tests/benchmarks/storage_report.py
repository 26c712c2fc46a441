"""The storage benchmark told in Markdown."""

from collections.abc import Mapping
from typing import Any

MB = 1024 * 1024


def told(results: Mapping[str, Any]) -> str:
    """Returns the Markdown of what `storage.measure` found."""
    megabytes, read, shared = results["megabytes"], results["validating"], results["uploads"]
    lines = [
        "## Storage\n",
        f"Persisting a result of {megabytes:,} MB; medians of {results['rounds']} rounds, taken in turns.\n",
        "| to | recut, MB/s | curl and copy, MB/s | ratio | ratio with sha256sum too | peak memory over idle, MB |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["persisting"]:
        ours, plain, hashed = row["seconds"], row["plain_seconds"], row["plain_and_hashed_seconds"]
        lines.append(
            f"| {row['to']} | {megabytes / ours:,.0f} | {megabytes / plain:,.0f} | {plain / ours:.2f} "
            f"| {hashed / ours:.2f} | {row['peak_bytes_over_idle'] / MB:,.0f} |"
        )
    lines += [
        "\nThe copy is `cp` and `sync` on disk, one PUT to S3, and in the last row boto3's upload in parts: the S3 "
        "server of the tests copies everything once more when it joins parts. recut also checks length and checksums, "
        "and opens the video and decodes its beginning and end.\n",
        f"- Validating a clip of {read['clip_bytes'] / 1e6:,.0f} MB reads {read['read_in_a_bucket'] / 1e3:,.0f} kB of "
        f"it in a bucket, {read['read_on_the_web'] / 1e3:,.0f} kB on the web.",
        f"- {shared['jobs']:,} jobs that share a reference image upload it {_times(shared['to_the_temporary_store'])} "
        f"to the provider's temporary store, or {_times(shared['to_staging'])} to staging.",
    ]
    return "\n".join(lines)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
