"""Reading the headers of videos: right facts, few bytes, plain reasons."""

import contextlib
import io
import random
from fractions import Fraction
from pathlib import Path

import pytest

from flows.media import UnreadableMedia, probe_video
from flows.media.headers import stretch_rates
from flows.rules.facts import VideoFacts
from tests.clips import CountingStream, cut_off, make_big_clip, make_clip, make_image

SAMPLES = Path(__file__).parents[3] / "deployments" / "samples"


def probe(path: Path) -> VideoFacts:
    with path.open("rb") as stream:
        return probe_video(stream, path.stat().st_size)


def reason(path: Path) -> str:
    with pytest.raises(UnreadableMedia) as refused:
        probe(path)
    return refused.value.reason


def test_the_sample_clip_is_read_as_it_is():
    path = SAMPLES / "bigbuckbunny.mp4"
    assert probe(path) == VideoFacts(
        container="mp4",
        codec="h264",
        duration_seconds=5.28,
        width=1280,
        height=720,
        frame_rate=25.0,
        slowest_rate=25.0,
        fastest_rate=25.0,
        has_audio=True,
        size_bytes=path.stat().st_size,
    )


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.mp4", "mp4"), ("a.mov", "mov"), ("a.3gp", "3gp"), ("a.mkv", "matroska"), ("a.avi", "avi"), ("a.ts", "mpegts")],
)
def test_containers_are_told_apart(tmp_path, name, container):
    facts = probe(make_clip(tmp_path / name, width=352, height=288))
    assert (facts.container, facts.codec, facts.width, facts.height) == (container, "h264", 352, 288)
    assert facts.duration_seconds == pytest.approx(3, abs=0.1)


def test_a_mov_is_a_mov_whatever_it_is_called(tmp_path):
    assert probe(make_clip(tmp_path / "called.mp4", container="mov")).container == "mov"


@pytest.mark.parametrize(("codec", "name"), [("libx265", "hevc"), ("mpeg4", "mpeg4")])
def test_codecs_have_their_own_names_not_their_decoders(tmp_path, codec, name):
    assert probe(make_clip(tmp_path / "clip.mp4", codec=codec, seconds=0.5)).codec == name


def test_a_phone_held_upright_gives_a_portrait_video(tmp_path):
    facts = probe(make_clip(tmp_path / "clip.mov", width=640, height=360, rotate=-90))
    assert (facts.width, facts.height) == (360, 640)


def test_a_pixel_wider_than_high_widens_the_picture(tmp_path):
    facts = probe(make_clip(tmp_path / "clip.mp4", width=720, height=576, sample_aspect=Fraction(16, 15)))
    assert (facts.width, facts.height) == (768, 576)


def test_silence_and_sound_are_told_apart(tmp_path):
    assert probe(make_clip(tmp_path / "sound.mp4")).has_audio
    assert not probe(make_clip(tmp_path / "silent.mp4", audio=False)).has_audio


def test_a_varying_frame_rate_shows_its_slowest_and_fastest_stretch(tmp_path):
    facts = probe(make_clip(tmp_path / "clip.mp4", seconds=4, fps=24, variable_rate=True))
    assert (facts.slowest_rate, facts.fastest_rate) == (6.0, 24.0)
    assert 6 < facts.frame_rate < 24


@pytest.mark.parametrize("fps", [8, 24, 30, 60])
def test_a_steady_frame_rate_is_exactly_that_everywhere(tmp_path, fps):
    facts = probe(make_clip(tmp_path / "clip.mp4", fps=fps))
    assert facts.frame_rate == facts.slowest_rate == facts.fastest_rate == fps


def test_one_frame_held_for_long_is_a_slow_stretch():
    slowest, fastest = stretch_rates([0.0, 0.1, 0.2, 5.2])
    assert slowest == pytest.approx(1 / 5)
    assert fastest == pytest.approx(3 / 5.2)


def test_a_clip_of_one_frame_is_read(tmp_path):
    facts = probe(make_clip(tmp_path / "clip.mp4", seconds=0.04, fps=25, audio=False))
    assert facts.duration_seconds == 0.04
    assert facts.frame_rate == 25


def test_a_fragmented_mp4_is_read(tmp_path):
    facts = probe(make_clip(tmp_path / "clip.mp4", fragmented=True, audio=False))
    assert facts.duration_seconds == pytest.approx(3, abs=0.05)
    assert facts.frame_rate == pytest.approx(24, abs=0.1)


@pytest.mark.parametrize("faststart", [True, False], ids=["index at the front", "index at the end"])
def test_headers_of_a_hundred_megabytes_take_a_fraction_of_a_megabyte(tmp_path, faststart):
    stream = CountingStream(make_big_clip(tmp_path / "big.mp4", megabytes=100, faststart=faststart))
    facts = probe_video(stream, stream.size)
    assert facts.size_bytes > 100_000_000
    assert facts.duration_seconds == 3
    assert stream.bytes_read < 200_000
    assert stream.reads < 20


def test_the_stream_stays_open_for_the_caller(tmp_path):
    stream = CountingStream(make_clip(tmp_path / "clip.mp4"))
    probe_video(stream, stream.size)
    assert not stream.closed


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    path.touch()
    assert reason(path) == "it is empty"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"meeting notes, nothing moving here\n", "a text file"),
        ("Notizen über den Dreh\n".encode(), "a text file"),
        (b"\n <!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
        (b'{"error": "not found"}', "a JSON document"),
        (b"PK\x03\x04" + bytes(60), "a ZIP archive"),
        (b"%PDF-1.7\n" + bytes(60), "a PDF document"),
        (bytes(4096), "nothing but zeros"),
        (b"#EXTM3U\nfile:///etc/hostname\n", "a streaming playlist"),
        (random.Random(1).randbytes(4096), "damaged, or in a format that cannot be read here"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_only_has_a_videos_name_is_named(tmp_path, content, said):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    assert reason(path).startswith(f"it is {said}")


def test_a_script_that_names_other_files_does_not_open_them(tmp_path, monkeypatch):
    make_clip(tmp_path / "other.ts", audio=False)
    script = tmp_path / "clip.mp4"
    script.write_text("ffconcat version 1.0\nfile other.ts\n")
    monkeypatch.chdir(tmp_path)
    assert reason(script) == "it is a text file"


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.bmp", "a.avif"])
def test_a_picture_is_not_a_video(tmp_path, name):
    assert reason(make_image(tmp_path / name, width=64, height=64)).startswith("it is a picture")


def test_sound_alone_is_not_a_video(tmp_path):
    assert reason(make_clip(tmp_path / "clip.mp4", video=False)) == "it contains only sound"


def test_a_clip_cut_off_before_its_index_says_so(tmp_path):
    path = cut_off(make_clip(tmp_path / "clip.mp4"))
    assert reason(path).startswith("the file ends early: the index (moov) is missing")


def test_a_clip_cut_off_after_its_index_says_how_much_is_there(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", faststart=True)
    whole = path.stat().st_size
    cut_off(path, 0.9)
    assert reason(path) == f"the file ends early ({path.stat().st_size:,} of at least {whole:,} bytes are there)"


def test_a_cut_is_seen_even_where_the_box_claims_the_rest_of_the_file(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", faststart=True)
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat")
    data[at - 4 : at] = bytes(4)
    path.write_bytes(data[:-1000])
    assert reason(path).startswith("the file ends early")


def test_a_cut_fragment_is_seen(tmp_path):
    assert reason(cut_off(make_clip(tmp_path / "clip.mp4", fragmented=True), 0.5)).startswith("the file ends early")


def test_a_trailer_after_the_last_box_does_no_harm(tmp_path):
    path = make_clip(tmp_path / "clip.mp4")
    with path.open("ab") as file:
        file.write(b"\x00\x01\x02\x03\xfe\xfe\xfe\xfe trailer of some program")
    assert probe(path).duration_seconds == 3


def test_tags_that_are_not_text_do_no_harm(tmp_path):
    path = make_clip(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes().replace(b"Lavf", b"\xff\xfe\xe9\xc3"))
    assert probe(path).duration_seconds == 3


def test_an_encrypted_clip_is_refused_as_such(tmp_path):
    assert reason(make_clip(tmp_path / "clip.mp4", encrypted=True)) == "it is encrypted (copy protection)"


def test_an_index_that_claims_more_than_the_file_is_refused_before_room_is_made_for_it(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", audio=False)
    data = bytearray(path.read_bytes())
    at = data.index(b"stsz") + 8
    data[at : at + 8] = (1).to_bytes(4) + (80_000_000).to_bytes(4)
    path.write_bytes(data)
    assert reason(path).startswith("the file ends early")


def test_a_storage_that_fails_does_not_pass_for_a_bad_clip(tmp_path):
    class Failing(CountingStream):
        def read(self, length: int = -1) -> bytes:
            if self.reads == 5:
                raise ConnectionResetError("the storage went away")
            return super().read(length)

    stream = Failing(make_clip(tmp_path / "clip.mp4"))
    with pytest.raises(ConnectionResetError, match="the storage went away"):
        probe_video(stream, stream.size)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.ts"])
def test_damage_is_refused_or_read_but_nothing_else_and_in_silence(tmp_path, name, capfd):
    clip = make_clip(tmp_path / name, seconds=1, width=320, height=240, faststart=name == "a.mp4").read_bytes()
    rng = random.Random(name)
    capfd.readouterr()
    for _ in range(60):
        damaged = bytearray(clip)
        for _ in range(rng.choice((1, 5, 50))):
            damaged[rng.randrange(rng.choice((64, 4_000, len(clip))))] = rng.randrange(256)
        with contextlib.suppress(UnreadableMedia):
            assert probe_video(io.BytesIO(damaged), len(damaged)).duration_seconds > 0
    assert capfd.readouterr() == ("", "")
