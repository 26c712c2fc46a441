"""The README: every command in it runs, every table in it is true."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import s3fs

from deployments.emulator import Emulator
from flows.cli import app
from flows.rules.job import EditJob
from flows.rules.manifest import read_manifest
from tests.s3 import KEY, SECRET, S3Server

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    """The README's fenced examples in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def block(language: str, holding: str) -> str:
    """The one example in a language that holds some text."""
    (found,) = [text for text in blocks(language) if holding in text]
    return found


@pytest.fixture
def team(providers: Emulator, media, tmp_path: Path) -> dict[str, str]:
    """The environment of a team in a folder with the files the README names."""
    folder = tmp_path / "team"
    folder.mkdir()
    shutil.copy(media.clip, folder / "clip.mp4")
    (folder / "jobs.csv").write_text("video,prompt,resolution\nclip.mp4,Make it snow,720P\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return environment | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PWD": str(folder),
        "RECUT_RESULTS": "results",
        "RECUT_HOME": str(tmp_path / "home"),
        "RECUT_SERVER_IDLE_SECONDS": "5",
    }


def run(script: str, environment: dict[str, str], folder: Path | None = None) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        cwd=folder or environment["PWD"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_two_commands_are_targets_and_the_demo_runs(team):
    lines = block("sh", "make demo").splitlines()
    assert [line.split("#")[0].strip() for line in lines] == ["make demo", "make test"]
    assert "pytest" in run("make --dry-run test", team, ROOT)
    assert f"{BIN}/recut demo" in run(f"make --dry-run demo BIN={BIN}", team, ROOT)
    # The test's own interpreter stands in for the one `make demo` would install.
    assert "5 of 5 published" in run("recut demo --results demo", team)


def test_a_real_run_with_a_key_goes_as_it_says(team, media):
    script = (block("sh", "DASHSCOPE_API_KEY") + block("sh", "APIYI_API_KEY")).replace("sk-…", "sk-of-the-readme")
    script = script.replace("https://example.com/clip.mp4", media.clip_url)
    script = script.replace("https://example.com/coat.png", media.picture_url)
    assert "https://" not in script
    assert run(script, team).count("1 of 1 published") == 3


def test_the_flows_deploy_to_a_prefect_server_with_a_pool(team, prefect):
    # Another test may have made the pool at this server.
    script = block("sh", "deploy --all").replace("work-pool create", "work-pool create --overwrite")
    # Deploying reads prefect.yaml where it stands.
    said = run(script, team | {"PREFECT_API_URL": prefect}, ROOT)
    assert all(name in said for name in ("edit-video/on-demand", "edit-batch/manifest"))


def test_a_watched_bucket_stands_up_as_it_says(team, prefect):
    script = block("sh", "RECUT_INBOX=s3").replace("https://prefect.example/api PREFECT_API_AUTH_STRING=…", prefect)
    script = script.replace("worker start", "worker start --run-once")
    assert "…" not in script
    said = run(script, team, ROOT)
    assert all(f"{name}/" in said for name in ("edit-video", "edit-batch", "edit-shard", "watch-inbox", "sweep"))


def test_results_and_staging_go_to_buckets_as_it_says(team, media):
    with S3Server() as server:
        server.make_bucket("videos")
        bucket = s3fs.S3FileSystem(**server.options)
        bucket.put_file(str(media.clip), "videos/clip.mp4")
        bucket.pipe_file("videos/jobs.csv", b"video,prompt,resolution\nclip.mp4,Make it snow,720P\n")
        script = block("sh", "--staging s3://")
        script = script.replace("AWS_ACCESS_KEY_ID=…", f"AWS_ACCESS_KEY_ID={KEY}")
        script = script.replace("AWS_SECRET_ACCESS_KEY=…", f"AWS_SECRET_ACCESS_KEY={SECRET}")
        assert "1 of 1 published" in run(script, team | server.environment())
        assert len(bucket.glob("videos/edited/*.mp4")) == 1


def test_the_python_examples_run(prefect):
    for example in blocks("python"):
        # The server of the tests may know a block of that name already.
        exec(example.replace('.save("edited")', '.save("edited", overwrite=True)'), {})


def test_the_manifest_example_is_one():
    rows = read_manifest(blocks("yaml")[0], ".yaml")
    assert [row.problems for row in rows] == [[], [], []]


def test_the_columns_it_lists_are_the_manifests():
    told = re.search(r"^Columns: (.*?)\.$", README, re.S | re.M)
    assert told is not None
    columns = re.findall(r"`([a-z_]+)`", told[1].replace("`|`", ""))
    assert sorted(columns) == sorted(EditJob.model_fields)


def test_every_command_is_in_the_table_and_exists():
    told = set(re.findall(r"^\| `recut (\w+)", README, re.M))
    assert told == {name for name in app if not name.startswith("-")}
