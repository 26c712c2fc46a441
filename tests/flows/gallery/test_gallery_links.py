"""Which clips the gallery plays, and how it says lengths and sizes."""

import pytest

from flows.gallery.links import Place, original
from flows.gallery.words import length, size

ON_DISK = Place("/data/results", on_disk=True)
IN_BUCKET = Place("s3://videos/edited", on_disk=False)


@pytest.mark.parametrize(
    ("video", "place", "link", "origin"),
    [
        ("https://a.example/x y.mp4", ON_DISK, None, None),
        ("https://a.example/x%20y.mp4", ON_DISK, "https://a.example/x%20y.mp4", "https://a.example"),
        ("http://A.example:81/x.mp4", IN_BUCKET, "http://A.example:81/x.mp4", "http://a.example:81"),
        ("https://a.example/x.mp4?signature=secret", ON_DISK, None, None),
        ("https://a.example/x.mp4?…", ON_DISK, None, None),
        ("https://user:password@a.example/x.mp4", ON_DISK, None, None),
        ("https://a.example; script-src */x.mp4", ON_DISK, None, None),
        ("https://*/x.mp4", ON_DISK, None, None),
        ("https://[::1]/x.mp4", ON_DISK, None, None),
        ("https://[broken/x.mp4", ON_DISK, None, None),
        ("https://a.example:port/x.mp4", ON_DISK, None, None),
        ("/data/clips/a #1?.mp4", ON_DISK, "../clips/a%20%231%3F.mp4", None),
        ("file:///data/results/a.mp4", ON_DISK, "a.mp4", None),
        ("/data/clips/a.mp4", IN_BUCKET, None, None),
        ("clips/a.mp4", ON_DISK, None, None),
        ("s3://videos/clips/a b.mp4", IN_BUCKET, "../clips/a%20b.mp4", None),
        ("s3://others/clips/a.mp4", IN_BUCKET, None, None),
        ("s3://videos/clips/a.mp4", ON_DISK, None, None),
        ("javascript:alert(1)", ON_DISK, None, None),
        ("javascript://x/%0aalert(1)", ON_DISK, None, None),
    ],
)
def test_a_clip_is_played_only_where_a_browser_may_fetch_it(video, place, link, origin):
    found = original(video, place)
    assert (found.link if found else None, found.origin if found else None) == (link, origin)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (5.27, "5.3 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (72, "1 min 12 s"), (3700, "1 h 1 min")],
)
def test_lengths_read_well(seconds, said):
    assert length(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (20, "1 kB"), (297_800, "298 kB"), (5_111_277, "5.1 MB"), (2_340_000_000, "2.34 GB")],
)
def test_sizes_read_well(count, said):
    assert size(count) == said
