"""Where results, journal and staging are, by whose keys, and in no folder that ends with a deployed run."""

import pytest

from blocks import VideoStorage
from flows.running.places import open_places, refuse_passing_folders
from flows.running.settings import Settings

SERVICE = {
    "url": "s3://videos/edited",
    "endpoint_url": "https://minio.example",
    "access_key_id": "the-id",
    "secret_access_key": "the-secret",
}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "RECUT_RESULTS is ./results"),
        ({"results": "edited/videos"}, "RECUT_RESULTS is edited/videos"),
        ({"results": "s3://bucket/edited", "journal": "journal"}, "RECUT_JOURNAL is journal"),
        ({"storage": "edited", "journal": "../journal"}, "RECUT_JOURNAL is ../journal"),
    ],
)
def test_a_folder_that_ends_with_the_run_is_refused(settings, name):
    with pytest.raises(ValueError, match=name) as refused:
        refuse_passing_folders(Settings(**settings))
    assert "Nothing was created" in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [{"results": "/srv/edited"}, {"results": "~/edited"}, {"results": "s3://bucket/edited"}, {"storage": "edited"}],
)
def test_a_folder_that_stays_is_taken(settings):
    refuse_passing_folders(Settings(**settings))


@pytest.mark.anyio
async def test_other_buckets_of_a_saved_storages_service_are_opened_with_its_keys(prefect: str):
    saved = VideoStorage(**SERVICE)
    await saved.asave("with-keys")
    places = await open_places(Settings(storage="with-keys", journal="s3://records/recut", staging="s3://staging"))
    assert places.results.options["key"] == "the-id"
    assert places.journal.options == places.staging.options == places.results.options


@pytest.mark.anyio
async def test_a_journal_on_another_kind_of_storage_needs_no_keys_of_the_results(prefect: str, tmp_path):
    saved = VideoStorage(**SERVICE)
    await saved.asave("with-keys-elsewhere")
    places = await open_places(Settings(storage="with-keys-elsewhere", journal=str(tmp_path)))
    assert places.journal.local_root == tmp_path
