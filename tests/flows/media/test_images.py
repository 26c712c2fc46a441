"""Reading the headers of pictures: right facts, few bytes, plain reasons."""

import io
import zlib
from pathlib import Path

import pytest
from PIL import Image

from flows.media import UnreadableMedia, probe_image
from flows.rules.facts import ImageFacts
from tests.clips import CountingStream, cut_off, make_clip, make_image

SAMPLES = Path(__file__).parents[3] / "deployments" / "samples"


def probe(path: Path) -> ImageFacts:
    with path.open("rb") as stream:
        return probe_image(stream, path.stat().st_size)


def reason(path: Path) -> str:
    with pytest.raises(UnreadableMedia) as refused:
        probe(path)
    return refused.value.reason


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png"])
def test_the_sample_pictures_are_read_as_they_are(name):
    path = SAMPLES / name
    facts = probe(path)
    with Image.open(path) as image:
        assert (facts.width, facts.height) == image.size
    assert (facts.format, facts.has_alpha, facts.animated) == ("png", False, False)
    assert facts.size_bytes == path.stat().st_size


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "bmp", "gif"])
def test_formats_are_told_by_content_not_by_name(tmp_path, format):
    facts = probe(make_image(tmp_path / "picture.dat", format=format, width=301, height=200))
    assert (facts.format, facts.width, facts.height) == (format, 301, 200)
    assert not facts.has_alpha


@pytest.mark.parametrize("format", ["png", "webp"])
def test_an_alpha_channel_is_seen(tmp_path, format):
    assert probe(make_image(tmp_path / f"picture.{format}", alpha=True)).has_alpha


@pytest.mark.parametrize("options", [{"lossless": True}, {}], ids=["lossless", "lossy"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_is_read_as_pillow_reads_it(tmp_path, options, mode):
    path = tmp_path / "picture.webp"
    Image.radial_gradient("L").resize((123, 77)).convert(mode).save(path, **options)
    if mode == "RGBA":
        Image.merge("RGBA", [Image.radial_gradient("L").resize((123, 77))] * 4).save(path, **options)
    facts = probe(path)
    assert (facts.width, facts.height, facts.has_alpha) == (123, 77, mode == "RGBA")


def test_a_transparent_palette_colour_is_transparency(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("P", (40, 30)).save(path, transparency=0)
    assert probe(path).has_alpha


def test_grey_with_alpha_is_transparency(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("LA", (40, 30)).save(path)
    assert probe(path).has_alpha


@pytest.mark.parametrize("format", ["gif", "webp", "png"])
def test_moving_pictures_are_seen(tmp_path, format):
    assert probe(make_image(tmp_path / f"picture.{format}", frames=3)).animated


def test_a_multi_picture_jpeg_is_a_jpeg(tmp_path):
    path = make_image(tmp_path / "picture.jpg", format="MPO", frames=2)
    facts = probe(path)
    assert (facts.format, facts.animated) == ("jpeg", False)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "bmp"])
def test_a_large_picture_is_read_by_its_headers(tmp_path, format):
    path = tmp_path / "picture"
    Image.effect_noise((1500, 1200), 90).convert("RGB").save(path, format, quality=95)
    stream = CountingStream(path)
    assert stream.size > 500_000
    assert probe_image(stream, stream.size).width == 1500
    assert stream.bytes_read < 150_000


def test_a_picture_of_absurd_size_is_measured_and_not_decoded(tmp_path):
    path = make_image(tmp_path / "picture.png", width=64, height=64)
    data = bytearray(path.read_bytes())
    header = b"IHDR" + (60_000).to_bytes(4) + (50_000).to_bytes(4) + bytes(data[24:29])
    data[12:29], data[29:33] = header, _crc(header)
    path.write_bytes(data)
    assert (probe(path).width, probe(path).height) == (60_000, 50_000)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_a_picture_cut_off_is_refused(tmp_path, format):
    path = cut_off(make_image(tmp_path / "picture", format=format), 0.8)
    assert reason(path).startswith("the file ends early")


def test_a_phones_motion_photo_is_not_taken_for_a_cut_one(tmp_path):
    path = tmp_path / "picture.jpg"
    with Image.open(SAMPLES / "chelsea.png") as picture:
        picture.save(path, xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/" GCamera:MotionPhoto="1"/>')
    with path.open("ab") as file:
        file.write(bytes(200_000))
    assert probe(path).format == "jpeg"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"just words", "it is a text file"),
        (b"<html><body>404</body></html>", "it is a web page"),
        (b"\xff\xd8\xff" + bytes(20), "its JPEG headers are damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "its PNG headers are damaged"),
        (b"GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00", "its GIF headers are damaged"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8X", "the file ends early"),
        (bytes(range(128, 256)), "it is damaged, or in a format that cannot be read here"),
    ],
)
def test_what_is_no_picture_is_refused_in_plain_words(tmp_path, content, said):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert reason(path).startswith(said)


@pytest.mark.parametrize("format", ["tiff", "avif"])
def test_formats_no_provider_takes_are_named(tmp_path, format):
    assert reason(make_image(tmp_path / f"picture.{format}")) == (
        f"it is in {format.upper()} format; save it as JPEG or PNG"
    )


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi", "clip.mkv"])
def test_a_video_is_not_a_picture(tmp_path, name):
    assert reason(make_clip(tmp_path / name, seconds=0.5)).startswith("it is a video")


def test_a_storage_that_fails_does_not_pass_for_a_bad_picture(tmp_path):
    class Failing(CountingStream):
        def read(self, length: int = -1) -> bytes:
            if self.reads:
                raise TimeoutError("the storage did not answer")
            return super().read(length)

    stream = Failing(make_image(tmp_path / "picture.png"))
    with pytest.raises(TimeoutError, match="the storage did not answer"):
        probe_image(stream, stream.size)


def test_a_stream_in_memory_will_do(tmp_path):
    data = make_image(tmp_path / "picture.png").read_bytes()
    assert probe_image(io.BytesIO(data), len(data)).format == "png"


def _crc(chunk: bytes) -> bytes:
    return zlib.crc32(chunk).to_bytes(4)
