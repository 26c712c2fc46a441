"""Persisting takes constant memory, however large the result is."""

import json
import os
import subprocess
import sys

import pytest

from tests.benchmarks.results import make_result, served
from tests.s3 import S3Server

MB = 1024 * 1024
#: Ten times what may be kept in memory would be seen at once; `make bench` does the same with 1 GB.
SIZE, MOST_MEMORY = 300 * MB, 100 * MB


@pytest.mark.parametrize("kind", ["disk", "s3"])
def test_a_large_result_is_persisted_in_constant_memory(kind: str, s3: S3Server, bucket: str, tmp_path):
    results = bucket if kind == "s3" else str(tmp_path / "results")
    make_result(tmp_path / "provider", SIZE)
    with served(tmp_path / "provider") as url:
        command = [sys.executable, "-m", "tests.benchmarks.persist_one", f"{url}/result.mp4", results]
        told = json.loads(subprocess.check_output(command, env={**os.environ, **s3.environment()}))
    assert told["peak_bytes"] - told["idle_bytes"] < MOST_MEMORY
