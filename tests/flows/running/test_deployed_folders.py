"""A deployed run's working directory is deleted with the run: nothing that was paid for may be left in it."""

import pytest

from flows.running.places import refuse_passing_folders
from flows.running.settings import Settings


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
