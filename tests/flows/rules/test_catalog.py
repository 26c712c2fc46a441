"""The catalogue holds what the providers' pages say, and a team may correct it."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from flows.rules.catalog import (
    APIYI_HOSTS,
    BEIJING,
    FRANKFURT,
    GATEWAY,
    HONG_KONG,
    REGIONS,
    SINGAPORE,
    TOKYO,
    VIRGINIA,
    Catalog,
    NotOffered,
)
from flows.rules.job import HAPPYHORSE, WAN, Provider
from flows.rules.offers import Offer

MB = 1024 * 1024
DASHSCOPE, APIYI = Provider.DASHSCOPE, Provider.APIYI
#: Every entry: who, what, where; price per second at 720P and 1080P; fewest and most reference images.
TABLE = [
    (DASHSCOPE, WAN, SINGAPORE, ("0.733924", "1.100886", "CNY"), 0, 3),
    (DASHSCOPE, WAN, BEIJING, ("0.6", "1.0", "CNY"), 0, 4),
    (DASHSCOPE, HAPPYHORSE, SINGAPORE, ("1.049188", "1.798608", "CNY"), 0, 5),
    (DASHSCOPE, HAPPYHORSE, BEIJING, ("0.9", "1.6", "CNY"), 0, 5),
    (DASHSCOPE, HAPPYHORSE, VIRGINIA, ("0.9", "1.6", "CNY"), 0, 5),
    (DASHSCOPE, HAPPYHORSE, FRANKFURT, ("0.9", "1.6", "CNY"), 0, 5),
    (DASHSCOPE, HAPPYHORSE, TOKYO, None, 0, 5),
    (APIYI, HAPPYHORSE, GATEWAY, ("0.126", "0.224", "USD"), 1, 5),
    (APIYI, WAN, GATEWAY, ("0.084", "0.14", "USD"), 1, 5),
]
WAN_VIDEO = {"min_seconds": 2, "max_seconds": 10, "min_side": 240, "max_side": 4096, "max_aspect": 8}
HAPPYHORSE_VIDEO = {"min_seconds": 3, "max_seconds": 60, "min_side": 360, "max_side": 4096, "max_aspect": 2.5}
LIMITS: dict[str, dict[str, Any]] = {
    WAN: {
        "video": {**WAN_VIDEO, "max_bytes": 100 * MB, "min_frame_rate": None, "max_frame_rate": None},
        "images": {"min_side": 240, "max_side": 8000, "max_aspect": 8, "max_bytes": 20 * MB, "alpha_allowed": False},
        "formats": {"jpeg", "png", "bmp", "webp"},
        "prompt": {"max_characters": 5000, "chinese_weight": 1, "negative_max_characters": 500},
        "output": {"frame_rate": 30, "max_seconds": None},
    },
    HAPPYHORSE: {
        "video": {**HAPPYHORSE_VIDEO, "max_bytes": 100 * MB, "min_frame_rate": 8, "max_frame_rate": 60},
        "images": {"min_side": 300, "max_side": None, "max_aspect": 2.5, "max_bytes": 20 * MB, "alpha_allowed": True},
        "formats": {"jpeg", "png", "webp"},
        "prompt": {"max_characters": 5000, "chinese_weight": 2, "negative_max_characters": None},
        "output": {"frame_rate": 24, "max_seconds": 15},
    },
}
EXPLICIT = {
    (DASHSCOPE, WAN): {
        "resolution": "1080P",
        "duration": 0,
        "audio_setting": "auto",
        "prompt_extend": True,
        "watermark": False,
    },
    (DASHSCOPE, HAPPYHORSE): {"resolution": "1080P", "audio_setting": "auto", "watermark": False},
    (APIYI, HAPPYHORSE): {"resolution": "720P", "prompt_extend": True, "watermark": False},
    (APIYI, WAN): {"resolution": "720P", "prompt_extend": True, "watermark": False},
}
TAKEN = {
    (DASHSCOPE, WAN): {"ratio", "duration", "audio_setting", "prompt_extend"},
    (DASHSCOPE, HAPPYHORSE): {"audio_setting"},
    (APIYI, HAPPYHORSE): {"audio_setting", "prompt_extend"},
    (APIYI, WAN): {"ratio", "duration", "audio_setting", "prompt_extend"},
}
entries = pytest.mark.parametrize(("provider", "model", "region"), [row[:3] for row in TABLE])


def facts_of(part: object, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(part, name) for name in names}


def test_nothing_but_the_table_is_offered():
    assert {(o.provider, o.model, o.region) for o in Catalog()} == {row[:3] for row in TABLE}


@pytest.mark.parametrize(("provider", "model", "region", "price", "fewest", "most"), TABLE)
def test_prices_and_numbers_of_images_are_those_of_the_pages(provider, model, region, price, fewest, most):
    offer = Catalog().offer(provider, model, region)
    if price is None:
        assert offer.price is None
    else:
        assert offer.price is not None
        assert offer.price.per_second == {"720P": Decimal(price[0]), "1080P": Decimal(price[1])}
        assert offer.price.currency == price[2]
    assert (offer.images.min_count, offer.images.max_count) == (fewest, most)


@entries
def test_limits_are_those_of_the_models_page_wherever_it_runs(provider, model, region):
    offer, limits = Catalog().offer(provider, model, region), LIMITS[model]
    assert offer.video.containers == {"mp4", "mov"}
    assert facts_of(offer.video, limits["video"]) == limits["video"]
    assert facts_of(offer.images, limits["images"]) == limits["images"]
    assert offer.images.formats == limits["formats"]
    assert facts_of(offer.prompt, limits["prompt"]) == limits["prompt"]
    assert facts_of(offer.output, limits["output"]) == limits["output"]


@entries
def test_a_prompt_is_optional_only_for_wan_on_dashscope(provider, model, region):
    assert Catalog().offer(provider, model, region).prompt.required is ((provider, model) != (DASHSCOPE, WAN))


@entries
def test_every_default_is_explicit_and_the_watermark_is_off(provider, model, region):
    assert Catalog().offer(provider, model, region).explicit({}) == EXPLICIT[provider, model]


@entries
def test_parameters_are_those_the_model_takes_there(provider, model, region):
    offer = Catalog().offer(provider, model, region)
    assert set(offer.parameters.by_name) == TAKEN[provider, model] | {"resolution", "watermark", "seed"}
    seed = offer.parameters.by_name["seed"]
    assert (seed.minimum, seed.maximum, seed.default) == (0, 2**31 - 1, None)


def test_what_is_asked_for_comes_before_defaults():
    offer = Catalog().offer(DASHSCOPE, WAN, SINGAPORE)
    asked = {"watermark": True, "resolution": "720P", "seed": 5}
    assert offer.explicit(asked) == {**EXPLICIT[DASHSCOPE, WAN], **asked}


@entries
def test_quotas_are_those_of_the_account(provider, model, region):
    offer = Catalog().offer(provider, model, region)
    expected = (5, 5, 500, 1) if provider is DASHSCOPE else (4, 5, 5, 3)
    quotas = offer.quotas
    assert (quotas.submits_per_second, quotas.running, quotas.queued, quotas.min_poll_seconds) == expected
    assert quotas.queries_per_second == 20


@entries
def test_only_dashscope_has_a_store_for_local_files(provider, model, region):
    assert Catalog().offer(provider, model, region).temporary_store is (provider is DASHSCOPE)


@entries
def test_every_group_of_numbers_names_a_dated_page(provider, model, region):
    offer = Catalog().offer(provider, model, region)
    groups = [getattr(offer, name) for name in Offer.model_fields]
    sources = [group.source for group in groups if hasattr(group, "source")]
    assert len(sources) == (7 if offer.price is None else 8)
    assert all("/" in source.page and source.date.startswith("2026-") for source in sources)


@pytest.mark.parametrize(
    ("region", "shared"),
    [
        (SINGAPORE, "dashscope-intl.aliyuncs.com"),
        (BEIJING, "dashscope.aliyuncs.com"),
        (VIRGINIA, "dashscope-us.aliyuncs.com"),
        (FRANKFURT, None),
        (TOKYO, None),
        (HONG_KONG, "cn-hongkong.dashscope.aliyuncs.com"),
    ],
)
def test_every_region_has_its_hosts(region, shared):
    assert REGIONS[region].shared_host == shared
    assert REGIONS[region].workspace_host("ws-1") == f"ws-1.{region}.maas.aliyuncs.com"


def test_the_gateway_has_a_primary_and_a_backup_host():
    assert APIYI_HOSTS == ("api.apiyi.com", "vip.apiyi.com")


def test_a_model_that_is_not_run_in_a_region_is_refused_with_where_it_runs():
    with pytest.raises(NotOffered, match=f"not offered in {VIRGINIA}; dashscope runs it in {SINGAPORE}, {BEIJING}"):
        Catalog().offer(DASHSCOPE, WAN, VIRGINIA)


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(NotOffered, match=f"no video-edit model 'wan2.6'; it has {HAPPYHORSE} and {WAN}"):
        Catalog().offer(APIYI, "wan2.6", GATEWAY)


def changed(override: dict[str, Any]) -> list[Offer]:
    before = {(o.provider, o.model, o.region): o for o in Catalog()}
    after = Catalog().overridden(each for each in [override])
    return [o for o in after if o != before[o.provider, o.model, o.region]]


def test_an_override_changes_what_it_names_and_nothing_else():
    offers = changed({"model": WAN, "set": {"video.max_seconds": 12, "quotas.running": 20}})
    assert {(o.provider, o.region) for o in offers} == {(DASHSCOPE, SINGAPORE), (DASHSCOPE, BEIJING), (APIYI, GATEWAY)}
    assert {(o.video.max_seconds, o.quotas.running, o.video.min_seconds) for o in offers} == {(12, 20, 2)}


@pytest.mark.parametrize(
    ("named", "count"),
    [({}, 9), ({"provider": "apiyi"}, 2), ({"region": TOKYO}, 1), ({"provider": "dashscope", "model": WAN}, 2)],
)
def test_an_override_is_about_all_entries_with_the_names_it_gives(named, count):
    assert len(changed({**named, "set": {"quotas.min_poll_seconds": 7}})) == count


def test_a_missing_price_can_be_supplied():
    source = {"page": "the team's contract", "date": "2026-11-01"}
    price = {"per_second": {"720P": "0.9", "1080P": 1.6}, "currency": "CNY", "source": source}
    (offer,) = changed({"region": TOKYO, "set": {"price": price}})
    assert offer.price is not None
    assert offer.price.per_second == {"720P": Decimal("0.9"), "1080P": Decimal("1.6")}


def test_later_overrides_come_on_top_of_earlier_ones():
    catalog = Catalog().overridden(
        [
            {"set": {"price.per_second.720P": 2}, "provider": "apiyi"},
            {"set": {"price.per_second.720P": 3}, "provider": "apiyi", "model": WAN},
        ]
    )
    prices = {o.model: o.price.per_second["720P"] for o in catalog if o.provider is APIYI and o.price}
    assert prices == {WAN: 3, HAPPYHORSE: 2}


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ({"set": {"video.max_second": 12}}, "has no 'video.max_second'"),
        ({"set": {"vidio.max_seconds": 12}}, "has no 'vidio.max_seconds'"),
        ({"set": {"video.max_seconds.x": 12}}, "has no 'video.max_seconds.x'"),
        ({"region": TOKYO, "set": {"price.currency": "CNY"}}, f"{HAPPYHORSE} on dashscope in {TOKYO} has no"),
        ({"model": "wan2.7", "set": {"quotas.running": 1}}, "no entry for {'model': 'wan2.7'}"),
        ({"modle": WAN, "set": {"quotas.running": 1}}, "no entry for {'modle'"),
        ({"model": WAN, "region": TOKYO, "set": {"quotas.running": 1}}, "no entry for"),
    ],
)
def test_an_override_about_nothing_is_refused(override, text):
    with pytest.raises(ValueError, match=text):
        Catalog().overridden([override])


@pytest.mark.parametrize("value", ["many", None, {}, [1]])
def test_an_override_of_the_wrong_type_is_refused(value):
    with pytest.raises(ValidationError):
        Catalog().overridden([{"set": {"quotas.running": value}}])
