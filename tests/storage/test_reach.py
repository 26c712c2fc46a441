"""How a provider gets at media: as they are, signed in place, through staging, or through its own store."""

from dataclasses import replace
from pathlib import Path

import pytest

from blocks.clients.store import Store, open_anywhere
from flows.planning.market import Market
from flows.planning.plan import plan_job
from flows.planning.reach import OutOfReach, Way, way_to
from flows.rules.catalog import GATEWAY, Catalog
from flows.rules.job import EditJob, Provider
from tests.conftest import Media
from tests.s3 import S3Server

WAN = "wan2.7-videoedit"
#: A service on the web, which nobody asks here: signing needs no call.
PUBLIC = {"endpoint_url": "https://s3.example.com", "key": "the-id", "secret": "the-secret"}
REGIONS = {Provider.DASHSCOPE: "ap-southeast-1", Provider.APIYI: GATEWAY}
MARKET = Market(regions=REGIONS, default_provider=Provider.DASHSCOPE, catalog=Catalog())
OFFERS = {provider: MARKET.catalog.offer(provider, WAN, region) for provider, region in REGIONS.items()}
BOTH = pytest.mark.parametrize("provider", list(Provider))


def way(address: str, provider: Provider, **market: object) -> Way:
    return way_to(address, replace(MARKET, **market), OFFERS[provider])


@BOTH
def test_a_public_address_is_used_as_it_is(provider):
    assert way("https://example.com/a.mp4", provider) is Way.AS_IT_IS


@BOTH
def test_a_bucket_with_a_key_is_signed_where_it_is(provider):
    known = (Store("s3://videos/results", PUBLIC),)
    assert way("s3://videos/inbox/a.mp4", provider, known=known) is Way.SIGNED


@BOTH
def test_local_files_go_through_staging_where_there_is_one(provider, tmp_path):
    assert way(str(tmp_path / "a.mp4"), provider, staging=Store("s3://staging", PUBLIC)) is Way.STAGED


def test_local_files_go_to_the_temporary_store_of_the_provider_that_has_one(tmp_path):
    assert way(str(tmp_path / "a.mp4"), Provider.DASHSCOPE) is Way.TEMPORARY
    with pytest.raises(OutOfReach, match="--staging"):
        way(str(tmp_path / "a.mp4"), Provider.APIYI)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://minio:9000", "https://10.0.0.5"])
def test_an_address_signed_for_a_private_host_is_no_use_to_a_hosted_provider(endpoint, tmp_path):
    private = Store("s3://videos/x", {**PUBLIC, "endpoint_url": endpoint})
    assert way("s3://videos/a.mp4", Provider.DASHSCOPE, known=(private,)) is Way.TEMPORARY
    with pytest.raises(OutOfReach):
        way("s3://videos/a.mp4", Provider.APIYI, known=(private,))
    with pytest.raises(OutOfReach, match=r"private address.*RECUT_STAGING"):
        way(str(tmp_path / "a.mp4"), Provider.DASHSCOPE, staging=private)
    here = frozenset(Provider)
    assert way("s3://videos/a.mp4", Provider.APIYI, known=(private,), on_this_machine=here) is Way.SIGNED


def test_a_staging_folder_that_cannot_sign_is_refused(tmp_path):
    with pytest.raises(OutOfReach, match="cannot sign"):
        way(str(tmp_path / "a.mp4"), Provider.DASHSCOPE, staging=Store(str(tmp_path)))


def test_a_saved_storage_also_opens_inputs_in_its_bucket_and_in_others_of_its_service(s3: S3Server, bucket: str):
    other = Store("s3://elsewhere/x", {"endpoint_url": "http://127.0.0.1:1", "key": "other", "secret": "other"})
    saved = Store(f"{bucket}/results", s3.options)
    Store(f"{bucket}/inbox").write("a.mp4", b"x")
    store, name = open_anywhere(f"{bucket}/inbox/a.mp4", (other, saved))
    assert store.read(name) == b"x"
    s3.make_bucket("another-bucket")
    Store("s3://another-bucket").write("b.mp4", b"y")
    store, name = open_anywhere("s3://another-bucket/b.mp4", (saved,))
    assert (store.read(name), store.options) == (b"y", saved.options)


def test_with_two_services_each_bucket_is_opened_with_its_own_keys_and_others_with_the_environments(s3, bucket: str):
    away = {"endpoint_url": "http://127.0.0.1:1", "key": "other", "secret": "other"}
    of_environment, elsewhere = Store(f"{bucket}/results"), Store("s3://staging/x", away)
    for known in ((of_environment, elsewhere), (elsewhere, of_environment)):
        assert open_anywhere(f"{bucket}/inbox/a.mp4", known)[0].options == {}
        assert open_anywhere("s3://staging/inbox/a.mp4", known)[0].options == away
        assert open_anywhere("s3://unknown/a.mp4", known)[0].options == {}


def test_a_plan_takes_clips_from_a_saved_storage(s3: S3Server, bucket: str, media: Media, monkeypatch, tmp_path: Path):
    saved = Store(f"{bucket}/results", s3.options)
    Store(f"{bucket}/inbox").publish("clip.mp4", media.clip)
    for name in s3.environment():
        monkeypatch.delenv(name)
    job = EditJob(video=f"{bucket}/inbox/clip.mp4", prompt="claymation")
    plan = plan_job(job, replace(MARKET, known=(saved,)))
    assert plan.ok, plan.problems
    assert plan.media[job.video].startswith("store:")


def test_apiyi_takes_local_files_once_there_is_staging(media: Media):
    job = EditJob(video=str(media.clip), prompt="x", reference_images=(str(media.picture),), provider=Provider.APIYI)
    job = job.model_copy(update={"model": WAN})
    assert "takes no uploads" in str(plan_job(job, MARKET).problems)
    assert plan_job(job, replace(MARKET, staging=Store("s3://staging", PUBLIC))).ok
