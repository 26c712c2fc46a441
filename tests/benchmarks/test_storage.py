"""The storage benchmark at its smallest: what it measures is still there to be measured."""

import os
from unittest.mock import patch

from tests.benchmarks import storage, storage_report


def test_the_storage_benchmark_runs_and_tells_of_every_place(tmp_path):
    with patch.dict(os.environ):  # it leaves the S3 server's keys there
        told = storage_report.told(storage.measure(tmp_path, megabytes=33, rounds=1, jobs=2))
    assert [line.split(" | ")[0] for line in told.splitlines() if " | " in line] == [
        "| to",
        "| disk",
        "| S3",
        "| S3, both in parts",
    ]
    assert "upload it once to the provider's temporary store, or once to staging" in told
