"""Stills, contact sheets and before/after pairs."""

import io
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image, ImageChops, ImageStat

from flows.media import UnreadableMedia, before_after, contact_sheet, open_film, samples_of
from flows.media.canvas import BACKGROUND, fitted, font, jpeg, printable
from tests.clips import CountingStream, make_clip

SAMPLES = Path(__file__).parents[3] / "deployments" / "samples"
BUNNY = SAMPLES / "bigbuckbunny.mp4"
SHAPES = {"landscape": (640, 360), "portrait": (360, 640), "square": (400, 400), "strip": (800, 200)}


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == "JPEG"
    return image


def still(stream: BinaryIO, at_seconds: float) -> Image.Image:
    with open_film(stream) as film:
        film.skip_to(at_seconds)
        return next(film.pictures_at([at_seconds]))


def sheet_of(before: BinaryIO | None, after: Path, **drawn) -> bytes:
    with after.open("rb") as stream, open_film(stream) as film:
        result = samples_of(film)
    if before is None:
        return contact_sheet(None, result, **drawn)
    with open_film(before) as film:
        return contact_sheet(samples_of(film, result.moments), result, **drawn)


def difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other.resize(one.size))).mean)


def test_a_still_is_the_frame_of_its_moment(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=2, filters=[("fade", "t=out:st=1:d=0.01")])
    with clip.open("rb") as stream:
        assert still(stream, 0.9).size == (640, 360)
        assert ImageStat.Stat(still(stream, 0.9)).sum != [0, 0, 0]
        assert max(ImageStat.Stat(still(stream, 1.1)).mean) < 3


def test_the_frame_held_longest_is_shown_until_the_next_one_begins(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=4, fps=4, variable_rate=True, audio=False)
    with clip.open("rb") as stream:
        assert difference(still(stream, 2.0), still(stream, 2.9)) == 0
        assert difference(still(stream, 2.9), still(stream, 3.0)) > 0
        assert difference(still(stream, 0.25), still(stream, 0.49)) == 0


def test_a_still_past_the_end_is_the_last_frame(tmp_path):
    with make_clip(tmp_path / "a.mp4", seconds=2).open("rb") as stream:
        assert difference(still(stream, 99), still(stream, 1.99)) == 0


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.ts"])
def test_every_container_can_be_sought(tmp_path, name):
    with make_clip(tmp_path / name, seconds=3).open("rb") as stream:
        assert difference(still(stream, 0.5), still(stream, 2.5)) > 1


@pytest.mark.parametrize("rotate", [90, -90, 180])
def test_a_still_is_upright(tmp_path, rotate):
    with make_clip(tmp_path / "flat.mp4", seconds=1).open("rb") as stream:
        flat = still(stream, 0.5)
    with make_clip(tmp_path / "turned.mp4", seconds=1, rotate=rotate).open("rb") as stream:
        assert difference(flat.rotate(rotate, expand=True), still(stream, 0.5)) < 1


def test_a_late_still_of_a_large_clip_reads_little_of_it(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=20, width=1280, height=720, audio=False)
    stream = CountingStream(clip)
    still(stream, 18.0)
    assert stream.bytes_read < stream.size / 5


def test_what_is_no_video_has_no_still():
    with pytest.raises(UnreadableMedia):
        still(io.BytesIO(b"plain words"), 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [*((shape, shape) for shape in SHAPES), ("landscape", "portrait"), ("portrait", "strip"), ("strip", "square")],
)
def test_any_shapes_go_together_within_their_sizes(tmp_path, before, after):
    clip = make_clip(tmp_path / "before.mp4", seconds=1, width=SHAPES[before][0], height=SHAPES[before][1])
    result = make_clip(tmp_path / "after.mp4", seconds=1, width=SHAPES[after][0], height=SHAPES[after][1])
    with clip.open("rb") as stream:
        sheet = sheet_of(stream, result, title=f"{before} to {after}")
        pair = before_after(stream, result)
    assert len(sheet) <= 300_000
    assert len(pair) <= 60_000
    page = opened(sheet)
    assert difference(page.crop((0, 0, 20, page.height)), Image.new("RGB", (20, page.height), BACKGROUND)) < 2
    assert opened(pair).width == 960
    assert opened(pair).height <= 564


def test_a_rich_picture_keeps_within_its_size():
    with BUNNY.open("rb") as stream:
        sheet, pair = sheet_of(stream, BUNNY, title="bunny"), before_after(stream, BUNNY)
    assert 100_000 < len(sheet) <= 300_000
    assert 20_000 < len(pair) <= 60_000


def test_the_pair_shows_before_left_and_after_right(tmp_path):
    white = make_clip(tmp_path / "w.mp4", seconds=1, picture="color", filters=[("drawbox", "c=white:t=fill")])
    black = make_clip(tmp_path / "b.mp4", seconds=1, picture="color", filters=[("drawbox", "c=black:t=fill")])
    with white.open("rb") as stream:
        pair = opened(before_after(stream, black)).convert("L")
    assert pair.getpixel((240, pair.height // 2)) > 240
    assert pair.getpixel((720, pair.height // 2)) < 15


def test_the_result_alone_fills_two_rows(tmp_path):
    result = make_clip(tmp_path / "a.mp4", seconds=2)
    with result.open("rb") as stream:
        both = opened(sheet_of(stream, result, title="both"))
    alone = opened(sheet_of(None, result, title="alone"))
    assert alone.width == both.width
    assert both.height - 80 < alone.height < both.height


def test_columns_are_as_many_as_asked(tmp_path):
    result = make_clip(tmp_path / "a.mp4", seconds=1)
    widths = [opened(sheet_of(None, result, title="", columns=columns)).width for columns in (2, 3, 4)]
    assert widths[2] - widths[1] == widths[1] - widths[0] > 300


def test_a_title_changes_nothing_but_the_head(tmp_path):
    result = make_clip(tmp_path / "a.mp4", seconds=1)
    titled = opened(sheet_of(None, result, title="Night in the harbour"))
    untitled = opened(sheet_of(None, result, title=""))
    assert titled.height > untitled.height
    body = titled.crop((0, titled.height - untitled.height + 40, *titled.size))
    assert difference(body, untitled.crop((0, 40, *untitled.size))) < 2


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("a plain title", "a plain title"),
        ("Crème brûlée à l'Østergade", "Creme brulee a l'Ostergade"),
        ("1280 × 720 · 5 s", "1280 x 720 · 5 s"),
        ("兔子 bunny 視頻", "… bunny …"),
        ("夜の港", ""),
        ("line\nbreak\tand \x00 zero", "line…break…and … zero"),
        ("🎬 take 2", "… take 2"),
    ],
)
def test_titles_keep_what_the_font_can_draw(text, drawn):
    assert printable(text) == drawn


@pytest.mark.parametrize("title", ["夜の港 🎬", "مرحبا", "x" * 2_000, "\x00\n"])
def test_no_title_breaks_a_sheet(tmp_path, title):
    opened(sheet_of(None, make_clip(tmp_path / "a.mp4", seconds=0.2), title=title))


def test_a_long_title_ends_within_its_width():
    text = fitted("many words " * 50, 30, 600)
    assert text.endswith("…")
    assert font(30).getlength(text) <= 600


def test_a_picture_that_is_too_rich_gives_up_quality_and_then_size():
    noise = Image.effect_noise((800, 600), 120).convert("RGB")
    assert opened(jpeg(noise, 250_000)).size == (800, 600)
    assert opened(jpeg(noise, 20_000)).width < 800
