"""The edit itself: decode the clip, change it visibly, encode an MP4 (H.264 and AAC).

`render` is plain blocking work meant for a worker thread. Every file it writes carries a fixed-length
place in its `comment` tag; `stamp` fills in the provider task, which makes equal edits distinct files
without encoding them again.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
from av.audio.resampler import AudioResampler
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import PictureType, VideoFrame
from PIL import Image

from deployments.emulator.looks import Look
from deployments.emulator.media import Clip
from deployments.emulator.plate import plate

Effort = Literal["full", "quick"]
Sound = Literal["keep", "bed"]

SAMPLE_RATE = 48_000
"""Sound samples per second in every result."""

_PLACE = b"provider task " + b"." * 64
_TURNS = {
    0: (),
    90: (("transpose", "cclock"),),
    -90: (("transpose", "clock"),),
    180: (("hflip", ""), ("vflip", "")),
    -180: (("hflip", ""), ("vflip", "")),
}
_ENCODER = {"preset": "ultrafast", "crf": "26"}


@dataclass(frozen=True)
class EditPlan:
    """All that decides how a result looks and sounds; equal plans over equal media give equal results.

    Attributes:
        look: What is done to the picture.
        size: Output width and height in pixels, even.
        frame_rate: Output frames per second.
        seconds: Length to cut to, or None for the whole clip.
        sound: Keep the clip's sound, or replace it with a simple tone bed.
        watermark: Text in the lower right corner, or None.
        effort: `full` edits every frame; `quick` edits the first one and holds it.
    """

    look: Look
    size: tuple[int, int]
    frame_rate: int
    seconds: float | None
    sound: Sound
    watermark: str | None
    effort: Effort


def stamp(video: bytes, provider_task_id: str) -> bytes:
    """Write a provider task's id into a rendered file's `comment` tag, leaving its length unchanged."""
    text = f"provider task {provider_task_id}".encode()
    return video.replace(_PLACE, text[: len(_PLACE)].ljust(len(_PLACE)), 1)


def render(clip: Clip, references: Sequence[Image.Image], plan: EditPlan, target: Path) -> float:
    """Edit a clip.

    Args:
        clip: An admitted clip.
        references: Decoded reference images.
        plan: What to make.
        target: Where to write the MP4.

    Returns:
        The length of the result's picture in seconds.
    """
    with av.open(str(clip.path)) as source, av.open(str(target), "w", format="mp4") as result:
        result.metadata["comment"] = _PLACE.decode()
        frames = max(1, round(min(clip.seconds, plan.seconds or math.inf) * plan.frame_rate))
        video = result.add_stream("libx264", rate=plan.frame_rate, options=dict(_ENCODER))
        video.width, video.height = plan.size
        video.pix_fmt = "yuv420p"
        voice = None
        if plan.sound == "bed" or source.streams.audio:
            voice = result.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        for number, frame in enumerate(_pictures(source, clip, references, plan, frames)):
            frame.pts, frame.time_base = number, Fraction(1, plan.frame_rate)
            frame.pict_type = PictureType.NONE  # else the clip's own key frames are forced on the result
            result.mux(video.encode(frame))
        result.mux(video.encode(None))
        if voice is not None:
            seconds = frames / plan.frame_rate
            source.seek(0)
            samples = _tone_bed(seconds) if plan.sound == "bed" else _kept_sound(source, seconds)
            for block in samples:
                result.mux(voice.encode(block))
            result.mux(voice.encode(None))
    return frames / plan.frame_rate


def _pictures(
    source: "av.container.InputContainer",
    clip: Clip,
    references: Sequence[Image.Image],
    plan: EditPlan,
    count: int,
) -> Iterator[VideoFrame]:
    """Exactly `count` finished frames; the last one is held when the clip ends early."""
    stream = source.streams.video[0]
    stream.thread_type = "AUTO"
    graph, entry = _graph(stream, clip, references, plan)
    made = 0
    last: VideoFrame | None = None
    for frame in _fed(graph, entry, source.decode(stream), plan.effort):
        last = frame
        if made == count:
            return
        made += 1
        yield frame
        if plan.effort == "quick":
            break
    while last is not None and made < count:
        made += 1
        yield last


def _fed(graph: Graph, entry: FilterContext, frames: Iterator[VideoFrame], effort: Effort) -> Iterator[VideoFrame]:
    """Push frames through the graph and give what comes out."""
    for frame in frames:
        entry.push(frame)
        if effort == "quick":
            break
        yield from _drained(graph)
    entry.push(None)
    yield from _drained(graph)


def _drained(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield frame


def _graph(
    stream: "av.video.stream.VideoStream", clip: Clip, references: Sequence[Image.Image], plan: EditPlan
) -> tuple[Graph, FilterContext]:
    """Frame rate, upright picture, size, look and plate as one filter graph, with its entry."""
    width, height = plan.size
    fit = f"{width}:{height}:force_original_aspect_ratio=increase:flags=fast_bilinear"
    steps = [
        ("fps", f"fps={plan.frame_rate}"),
        *_TURNS[clip.turn],
        ("scale", "iw*sar:ih"),
        ("setsar", "1"),
        ("scale", fit),
        ("crop", f"{width}:{height}"),
        ("format", "yuv420p"),
        *plan.look.filters,
    ]
    graph = Graph()
    entry = graph.add_buffer(template=stream)
    chain = [entry, *(graph.add(name, arguments or None) for name, arguments in steps)]
    for first, second in pairwise(chain):
        first.link_to(second)
    end = chain[-1]
    sheet = plate(plan.size, references, plan.watermark)
    if sheet is not None:
        over = VideoFrame.from_bytes(sheet.tobytes(), width, height, format="rgba")
        over.pts, over.time_base = 0, Fraction(1, plan.frame_rate)
        second_entry = graph.add_buffer(
            width=width, height=height, format=over.format, time_base=Fraction(1, plan.frame_rate)
        )
        overlay = graph.add("overlay", "eof_action=repeat")
        end.link_to(overlay, 0, 0)
        second_entry.link_to(overlay, 0, 1)
        end = overlay
    last = graph.add("format", "yuv420p")
    sink = graph.add("buffersink")
    end.link_to(last)
    last.link_to(sink)
    graph.configure()
    if sheet is not None:
        second_entry.push(over)
        second_entry.push(None)
    return graph, entry


def _kept_sound(source: "av.container.InputContainer", seconds: float) -> Iterator["av.AudioFrame"]:
    """The clip's own sound, as stereo, cut to length."""
    resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    left = round(seconds * SAMPLE_RATE)
    for frame in source.decode(source.streams.audio[0]):
        for block in resampler.resample(frame):
            if left <= 0:
                return
            left -= block.samples
            yield block


def _tone_bed(seconds: float) -> Iterator["av.AudioFrame"]:
    """A quiet two-tone chord of the given length."""
    graph = Graph()
    chord = graph.add("aevalsrc", f"0.08*sin(2*PI*220*t)+0.06*sin(2*PI*330*t):s={SAMPLE_RATE}:c=mono:d={seconds:.6f}")
    shape = graph.add("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={SAMPLE_RATE}")
    sink = graph.add("abuffersink")
    chord.link_to(shape)
    shape.link_to(sink)
    graph.configure()
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        assert isinstance(frame, av.AudioFrame)
        yield frame
