"""Real media files of any shape for tests, made in milliseconds with FFmpeg's own sources."""

import heapq
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

_ENCODERS = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
}
_CONTAINERS = {"mkv": "matroska", "ts": "mpegts"}
_ENCRYPTION = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}

MOVING = "testsrc2"
MOTIONLESS = "smptebars"


def make_clip(
    path: Path,
    *,
    seconds: float = 3,
    width: int = 640,
    height: int = 360,
    fps: int = 24,
    codec: str = "libx264",
    container: str | None = None,
    audio: bool = True,
    loudness: float = 1.0,
    video: bool = True,
    faststart: bool = False,
    fragmented: bool = False,
    encrypted: bool = False,
    variable_rate: bool = False,
    rotate: int = 0,
    sample_aspect: Fraction = Fraction(1),
    picture: str = MOVING,
    filters: Sequence[tuple[str, str]] = (),
) -> Path:
    """Writes a clip and returns its path.

    Args:
        path: Where to; parent folders are made.
        seconds: Its length.
        width: Stored width in pixels.
        height: Stored height in pixels.
        fps: Frames per second.
        codec: FFmpeg's name of the video encoder.
        container: FFmpeg's name of the container; by default the path's ending.
        audio: Whether it has sound (a tone).
        loudness: Of that tone; 0 makes it silent.
        video: Whether it has pictures.
        faststart: Whether the index (moov) lies at the front.
        fragmented: Whether it is an MP4 in fragments.
        encrypted: Whether it is encrypted as copy-protected MP4s are.
        variable_rate: Whether its second half keeps only every fourth frame.
        rotate: Degrees that a player turns it counter-clockwise: -90 for a phone held upright.
        sample_aspect: Width of a pixel to its height.
        picture: Name of FFmpeg's source, MOVING or MOTIONLESS for example.
        filters: FFmpeg filters to apply, as names with arguments: ``("hue", "h=120")``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = ["faststart"] * faststart + ["frag_keyframe", "empty_moov", "default_base_moof"] * fragmented
    options = ({"movflags": "+".join(flags)} if flags else {}) | (_ENCRYPTION if encrypted else {})
    ending = path.suffix.removeprefix(".")
    with av.open(path, "w", format=container or _CONTAINERS.get(ending, ending), container_options=options) as out:
        frames: list[Iterator[VideoFrame | AudioFrame]] = []
        encoders: dict[type, VideoStream | AudioStream] = {}
        if video:
            pictures = out.add_stream(codec, rate=fps, options=_ENCODERS.get(codec, {}) | {"g": str(fps)})
            pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
            pictures.sample_aspect_ratio = sample_aspect
            if rotate:
                pictures.set_display_rotation(rotate)
            encoders[VideoFrame] = pictures
            size = f"size={width}x{height}:rate={fps}:duration={seconds}"
            shown = _frames((picture, size), *filters, ("format", "yuv420p"), ("buffersink", ""))
            frames.append(_thinned(shown, round(seconds * fps / 2)) if variable_rate else shown)
        if audio:
            encoders[AudioFrame] = out.add_stream("aac", rate=48_000, layout="mono")
            tone = f"frequency=440:sample_rate=48000:samples_per_frame=1024:duration={seconds}"
            frames.append(
                _frames(("sine", tone), ("volume", str(loudness)), ("aformat", "sample_fmts=fltp"), ("abuffersink", ""))
            )
        for frame in heapq.merge(*frames, key=lambda frame: frame.time):
            if isinstance(frame, VideoFrame):
                # Sources mark all their frames as key frames, and the encoder would obey.
                frame.pict_type = PictureType.NONE
            out.mux(encoders[type(frame)].encode(frame))
        for encoder in encoders.values():
            out.mux(encoder.encode(None))
    return path


def make_big_clip(path: Path, *, megabytes: int = 100, faststart: bool = False) -> Path:
    """Writes a clip that is large only by name: most of it is a hole, before its index or after its data."""
    data = make_clip(path, faststart=faststart).read_bytes()
    at = len(data) if faststart else data.rindex(b"moov") - 4
    padding = megabytes * 1_000_000
    with path.open("wb") as file:
        file.write(data[:at] + padding.to_bytes(4) + b"free")
        file.seek(padding - 8, io.SEEK_CUR)
        file.write(data[at:])
        file.truncate(len(data) + padding)
    return path


def make_image(
    path: Path,
    *,
    width: int = 640,
    height: int = 480,
    format: str | None = None,
    alpha: bool = False,
    frames: int = 1,
) -> Path:
    """Writes a picture and returns its path.

    Args:
        path: Where to; parent folders are made.
        width: Width in pixels.
        height: Height in pixels.
        format: Pillow's name of the format; by default the path's ending.
        alpha: Whether it has an alpha channel.
        frames: More than one makes it move.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = []
    for index in range(frames):
        picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
        ImageDraw.Draw(picture).ellipse((index * 10, 0, index * 10 + width // 2, height), fill=(220, 90, 40))
        if alpha:
            picture.putalpha(Image.radial_gradient("L").resize((width, height)))
        pictures.append(picture)
    rest = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(path, format, **rest)
    return path


def cut_off(path: Path, share: float = 0.6) -> Path:
    """Cuts a file's end away, as a broken copy does, and returns its path."""
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))
    return path


class CountingStream(io.RawIOBase):
    """A file that counts the bytes and the reads asked of it."""

    def __init__(self, path: Path) -> None:
        self.file: BinaryIO = path.open("rb")
        self.size = path.stat().st_size
        self.bytes_read = 0
        self.reads = 0

    def read(self, length: int = -1) -> bytes:
        data = self.file.read(length)
        self.bytes_read += len(data)
        self.reads += 1
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.file.seek(offset, whence)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.file.tell()

    def close(self) -> None:
        self.file.close()
        super().close()


def _frames(*filters: tuple[str, str]) -> Iterator[VideoFrame | AudioFrame]:
    graph = av.filter.Graph()
    graph.link_nodes(*(graph.add(name, arguments) for name, arguments in filters)).configure()
    while True:
        try:
            yield graph.pull()
        except av.error.EOFError:
            return


def _thinned(frames: Iterator[VideoFrame], start: int) -> Iterator[VideoFrame]:
    return (frame for index, frame in enumerate(frames) if index < start or index % 4 == 0)
