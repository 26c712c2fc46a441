"""compose.yaml holds together, and what it starts shares two hundred jobs without paying for one twice."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.emulator import WAN, Emulator, EmulatorConfig, RunTime
from deployments.server_settings import SERVER_SETTINGS
from tests.clips import make_clip
from tests.deployments.composed import FILE, binary, environment, module, postgres, redis, services
from tests.deployments.standing import Standing, eventually, free_port, is_healthy
from tests.deployments.test_on_a_real_server import manifest

CLOCK_SCALE = 60
BATCHES, JOBS = 4, 50
#: What the catalogue gives an account by default: five that run, and two in the provider's queue.
MOST_ALIVE = 7


def test_every_service_waits_only_for_services_that_are_there():
    for service in services().values():
        for name, condition in service.get("depends_on", {}).items():
            waits_for_health = condition["condition"] == "service_healthy"
            assert "healthcheck" in services()[name] or not waits_for_health


def test_its_server_has_the_settings_that_suit_recut():
    given = {"POSTGRES_PASSWORD": "p", "PREFECT_AUTH": "a:b"}
    leases = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
    for service in ("server", "services", "database"):
        has = environment(service, given, {})
        assert {**SERVER_SETTINGS, leases: "prefect_redis.lease_storage"}.items() <= has.items()


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "PREFECT_AUTH"])
def test_nothing_stands_without_its_secrets(name):
    given = {"POSTGRES_PASSWORD": "p", "PREFECT_AUTH": "a:b", name: ""}
    with pytest.raises(KeyError, match=name):
        environment("server", given, {})


def test_the_image_knows_all_that_the_services_run():
    image = (FILE.parent / "Dockerfile").read_text()
    for name, service in services().items():
        if service["image"] == "recut":
            program, *arguments = service["command"]
            assert program == "prefect" or arguments[:1] == ["-m"], name
    for needed in ("prefect.yaml", "deployments", "flows", "blocks", "prefect-redis=="):
        assert needed in image


@pytest.fixture
def provider() -> Iterator[Emulator]:
    config = EmulatorConfig(port=0, effort="quick", clock_scale=CLOCK_SCALE, run_times={WAN: RunTime(median=30)})
    with Emulator(config) as emulator:
        yield emulator


@pytest.fixture
def team(provider: Emulator, tmp_path: Path) -> Iterator[Standing]:
    """All services of compose.yaml that are recut's, with two workers, on a real PostgreSQL and a real Redis."""
    for name in ("initdb", "postgres", "psql", "redis-server", "redis-cli"):
        binary(name)
    given = {
        "POSTGRES_PASSWORD": "of-the-database",
        "PREFECT_AUTH": "team:of-the-api",
        "RECUT_RELAY_TOKEN": "the-token-of-the-relay",
        "DASHSCOPE_API_KEY": "sk-of-the-team",
        "DASHSCOPE_HTTP_BASE_URL": provider.dashscope_base_url,
        "RECUT_RESULTS": str(tmp_path / "results"),
        "RECUT_INBOX": "s3://videos/inbox",
    }
    # As elsewhere, the server keeps the limits, though it is on this machine; and the clock is the emulator's.
    own = {"RECUT_LIMITS": "server", "RECUT_CLOCK_SCALE": str(CLOCK_SCALE)}
    with postgres(given["POSTGRES_PASSWORD"]) as database, redis() as store:
        standing = Standing(tmp_path, {"PREFECT_API_AUTH_STRING": given["PREFECT_AUTH"]})
        hosts = {
            "postgres:5432": f"127.0.0.1:{database}",
            "redis:6379": f"127.0.0.1:{store}",
            "server:4200": f"127.0.0.1:{standing.port}",
        }
        relay = free_port()
        ports = {
            "server": {"PREFECT_SERVER_API_PORT": str(standing.port)},
            "relay": {"RECUT_RELAY_PORT": str(relay)},
        }

        def start(service: str, name: str | None = None, **more: str) -> None:
            standing.start(
                name or service,
                *module(service),
                **{**environment(service, given, hosts), **own, **ports.get(service, {}), **more},
            )

        try:
            start("database")
            standing.await_success("database")
            start("server")
            start("services")
            eventually(lambda: is_healthy(standing.api), "the server answers")
            start("deploy")
            standing.await_success("deploy")
            for worker in ("worker", "worker-2"):
                start("worker", worker, PREFECT_WORKER_WEBSERVER_PORT=str(free_port()), RECUT_INBOX="")
            start("relay")
            eventually(lambda: is_healthy(f"http://127.0.0.1:{relay}"), "the relay answers")
            yield standing
        finally:
            standing.end()


@pytest.mark.timeout(900)
def test_two_workers_share_two_hundred_jobs_within_the_limits_and_none_is_paid_twice(team, provider):
    make_clip(team.folder / "clip.mp4")
    runs = [
        team.run("edit-batch/manifest", manifest=manifest(team, f"batch{number}", JOBS)) for number in range(BATCHES)
    ]
    for run in runs:
        assert team.ended(run, seconds=600)["message"].startswith(f"{JOBS} published")
    books = provider.audit()
    assert Counter(Counter(entry.prompt for entry in books).values()) == {1: BATCHES * JOBS}
    changes = sorted(
        change for entry in books for change in ((entry.submitted_at, 1), (entry.ended_at or entry.submitted_at, -1))
    )
    alive = [sum(change for _, change in changes[: index + 1]) for index in range(len(changes))]
    assert max(alive) <= MOST_ALIVE
    for worker in ("worker", "worker-2"):
        assert "Completed" in team.said(worker)
