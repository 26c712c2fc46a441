"""Settings come from the environment, a run's options lie on top, and the catalogue can be corrected."""

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.planning.market import market_from_environment
from flows.rules.addresses import AddressRefused
from flows.rules.catalog import GATEWAY, SINGAPORE, TOKYO, Catalog
from flows.rules.job import WAN, Provider
from flows.running.settings import RunOptions, Settings

LOCAL = "http://127.0.0.1:8000"


@pytest.fixture
def catalog_file(monkeypatch, tmp_path):
    def write(text: str) -> None:
        path = tmp_path / "catalog.yaml"
        path.write_text(text)
        monkeypatch.setenv("RECUT_CATALOG", str(path))

    return write


def test_without_any_variable_the_defaults_are_cautious():
    settings = Settings()
    assert (settings.provider, settings.results, settings.on_unknown) == (Provider.DASHSCOPE, "./results", "hold")
    assert (settings.max_cost, settings.unprobed, settings.max_attempts, settings.clock_scale) == (None, False, 2, 1)


def test_every_setting_has_its_variable(monkeypatch):
    values = {
        "RECUT_PROVIDER": ("provider", "apiyi", Provider.APIYI),
        "DASHSCOPE_API_REGION": ("region", "cn-beijing", "cn-beijing"),
        "RECUT_RESULTS": ("results", "s3://bucket/out", "s3://bucket/out"),
        "RECUT_JOURNAL": ("journal", "s3://bucket/journal", "s3://bucket/journal"),
        "RECUT_STAGING": ("staging", "s3://bucket/staging", "s3://bucket/staging"),
        "RECUT_CREDENTIALS": ("credentials", "team", "team"),
        "RECUT_STORAGE": ("storage", "team", "team"),
        "RECUT_INBOX": ("inbox", "s3://bucket/inbox", "s3://bucket/inbox"),
        "RECUT_INBOX_PROMPT": ("inbox_prompt", "make it clay", "make it clay"),
        "RECUT_INBOX_SECONDS": ("inbox_seconds", "5", 5),
        "RECUT_INBOX_GRACE_SECONDS": ("inbox_grace_seconds", "60", 60),
        "RECUT_SETTLE_SECONDS": ("settle_seconds", "0", 0),
        "RECUT_MAX_COST": ("max_cost", "12.50", Decimal("12.50")),
        "RECUT_ON_UNKNOWN": ("on_unknown", "recreate", "recreate"),
        "RECUT_ON_WORKERS": ("on_workers", "true", True),
        "RECUT_UNPROBED": ("unprobed", "true", True),
        "RECUT_MAX_RUNNING": ("max_running", "3", 3),
        "RECUT_SUBMITS_PER_SECOND": ("submits_per_second", "0.5", 0.5),
        "RECUT_QUERIES_PER_SECOND": ("queries_per_second", "2", 2),
        "RECUT_LIMITS": ("limits", "server", "server"),
        "RECUT_MAX_ATTEMPTS": ("max_attempts", "1", 1),
        "RECUT_CLOCK_SCALE": ("clock_scale", "60", 60),
        "RECUT_CATALOG": ("catalog", "team.yaml", Path("team.yaml")),
        "RECUT_HOME": ("home", "/var/recut", Path("/var/recut")),
    }
    assert {name for name, _, _ in values.values()} == set(Settings.model_fields)
    for variable, (_, text, _) in values.items():
        monkeypatch.setenv(variable, text)
    settings = Settings()
    assert {name: getattr(settings, name) for name, _, _ in values.values()} == {
        name: value for name, _, value in values.values()
    }


def test_an_empty_variable_is_as_good_as_none(monkeypatch):
    monkeypatch.setenv("RECUT_MAX_COST", "")
    monkeypatch.setenv("DASHSCOPE_API_REGION", "")
    assert (Settings().max_cost, Settings().region) == (None, None)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("RECUT_PROVIDER", "somebody"),
        ("RECUT_MAX_COST", "-1"),
        ("RECUT_MAX_COST", "NaN"),
        ("RECUT_MAX_COST", "much"),
        ("RECUT_ON_UNKNOWN", "retry"),
        ("RECUT_MAX_RUNNING", "0"),
        ("RECUT_SUBMITS_PER_SECOND", "0"),
        ("RECUT_QUERIES_PER_SECOND", "-1"),
        ("RECUT_MAX_ATTEMPTS", "0"),
        ("RECUT_CLOCK_SCALE", "0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_at_once(monkeypatch, variable, text):
    monkeypatch.setenv(variable, text)
    with pytest.raises(ValidationError):
        Settings()


def test_a_runs_options_lie_on_top_of_the_environment(monkeypatch):
    monkeypatch.setenv("RECUT_MAX_COST", "10")
    monkeypatch.setenv("RECUT_RESULTS", "/results")
    monkeypatch.setenv("RECUT_UNPROBED", "true")
    options = RunOptions(max_cost=Decimal(0), provider=Provider.APIYI, region="cn-beijing", unprobed=False)
    settings = Settings().with_options(options)
    assert (settings.max_cost, settings.provider, settings.region) == (0, Provider.APIYI, "cn-beijing")
    assert (settings.results, settings.unprobed) == ("/results", False)


def test_every_option_of_a_run_is_a_setting():
    assert set(RunOptions.model_fields) <= set(Settings.model_fields)


@pytest.mark.parametrize("fields", [{"max_cost": -1}, {"on_unknown": "retry"}, {"api_key": "sk-1"}, {"provider": "x"}])
def test_options_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValidationError):
        RunOptions.model_validate(fields)


def test_without_a_file_the_catalogue_is_the_dated_table():
    assert list(Settings().load_catalog()) == list(Catalog())


def test_a_team_corrects_the_catalogue_in_a_file(catalog_file):
    catalog_file(f"- {{model: {WAN}, region: {SINGAPORE}, set: {{video.max_seconds: 12, images.max_count: 4}}}}")
    offer = Settings().load_catalog().offer(Provider.DASHSCOPE, WAN, SINGAPORE)
    assert (offer.video.max_seconds, offer.images.max_count) == (12, 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "text",
        "- text",
        "- {model: wan}",
        f"- {{model: {WAN}}}",
        "- {set: {video.longest: 12}}",
        "- {set: {video.max_seconds: many}}",
        f"- {{region: {TOKYO}, set: {{price.currency: CNY}}}}",
    ],
)
def test_a_catalogue_file_that_says_nothing_usable_is_refused(catalog_file, text):
    catalog_file(text)
    with pytest.raises(ValueError, match=r"RECUT_CATALOG .*catalog\.yaml"):
        Settings().load_catalog()


def test_a_catalogue_file_that_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("RECUT_CATALOG", "/nowhere/catalog.yaml")
    with pytest.raises(ValueError, match=r"RECUT_CATALOG /nowhere/catalog\.yaml"):
        Settings().load_catalog()


@pytest.mark.parametrize(
    ("environment", "regions", "local"),
    [
        ({}, SINGAPORE, set()),
        ({"DASHSCOPE_API_REGION": "cn-beijing"}, "cn-beijing", set()),
        ({"DASHSCOPE_API_REGION": TOKYO, "DASHSCOPE_WORKSPACE_ID": "ws-1"}, TOKYO, set()),
        ({"DASHSCOPE_HTTP_BASE_URL": "https://dashscope-us.aliyuncs.com/api/v1"}, "us-east-1", set()),
        ({"DASHSCOPE_HTTP_BASE_URL": f"{LOCAL}/api/v1"}, SINGAPORE, {Provider.DASHSCOPE}),
        ({"APIYI_BASE_URL": LOCAL}, SINGAPORE, {Provider.APIYI}),
    ],
)
def test_where_jobs_run_follows_from_the_environment_without_any_key(monkeypatch, environment, regions, local):
    for variable, text in environment.items():
        monkeypatch.setenv(variable, text)
    market = market_from_environment(Settings(), Catalog())
    assert market.regions == {Provider.DASHSCOPE: regions, Provider.APIYI: GATEWAY}
    assert market.on_this_machine == local


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DASHSCOPE_API_REGION", "mars"),
        ("DASHSCOPE_API_REGION", TOKYO),
        ("DASHSCOPE_HTTP_BASE_URL", "http://dashscope.aliyuncs.com/api/v1"),
        ("APIYI_BASE_URL", "sk-a-key-by-mistake"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(monkeypatch, variable, text):
    monkeypatch.setenv(variable, text)
    with pytest.raises(AddressRefused) as refused:
        market_from_environment(Settings(), Catalog())
    assert "sk-a-key" not in str(refused.value)
