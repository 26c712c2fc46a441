"""What a video's headers say: size, length, frame rates, sound, and whether all of the file is there."""

from bisect import bisect_left
from collections.abc import Sequence

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from flows.media import boxes
from flows.media.frames import display_size
from flows.media.unreadable import UnreadableMedia
from flows.rules.facts import VideoFacts

_STRETCH_SECONDS = 1.0
_RATE_DIGITS = 3


def facts_of(
    container: InputContainer, video: VideoStream, first: VideoFrame, brand: str | None, size: int
) -> VideoFacts:
    """Returns the facts a rule can judge.

    Args:
        container: The open video.
        video: Its stream that moves.
        first: Its first picture, which carries the rotation.
        brand: What MP4 or MOV file it is, None for another container.
        size: Its length in bytes.

    Raises:
        UnreadableMedia: Its length or frame rate is not known.
    """
    times = _frame_times(video, indexed=brand is not None)
    width, height = display_size(video, first)
    duration = _duration(container, video)
    average = (len(times) - 1) / (times[-1] - times[0]) if times else _average_rate(video)
    slowest, fastest = stretch_rates(times) if times else (average, average)
    return VideoFacts(
        container=brand or container.format.name.split(",")[0],
        codec=video.codec_context.codec.canonical_name,
        duration_seconds=duration,
        width=width,
        height=height,
        frame_rate=round(average, _RATE_DIGITS),
        slowest_rate=round(slowest, _RATE_DIGITS),
        fastest_rate=round(fastest, _RATE_DIGITS),
        has_audio=bool(container.streams.audio),
        size_bytes=size,
    )


def check_samples(container: InputContainer, size: int) -> None:
    """Compares where the sample tables say pictures and sound lie with the length of the file in bytes.

    Raises:
        UnreadableMedia: It ends before.
    """
    end = max((entry.pos + entry.size for stream in container.streams for entry in stream.index_entries), default=0)
    if end > size:
        raise UnreadableMedia(boxes.ends_early(size, end, indexed=True))


def stretch_rates(times: Sequence[float]) -> tuple[float, float]:
    """Returns the lowest and the highest frame rate over any stretch of about a second.

    Args:
        times: When each frame begins, in seconds, rising, with the end of the last frame added.
    """
    rates = []
    for first, begin in enumerate(times):
        last = bisect_left(times, begin + _STRETCH_SECONDS - 1e-6)
        if last == len(times):
            break
        rates.append((last - first) / (times[last] - begin))
    if not rates:  # shorter than a second
        rates.append((len(times) - 1) / (times[-1] - times[0]))
    return min(rates), max(rates)


def _frame_times(video: VideoStream, *, indexed: bool) -> list[float]:
    """When frames begin by the sample tables, and when the last ends; empty where the tables are not complete."""
    if not video.time_base or not (indexed or video.frames):
        return []
    ticks = sorted({entry.timestamp for entry in video.index_entries if not entry.is_discard})
    if ticks and video.frames:  # fragments count no frames and do not say when the last one ends
        ticks.append(max(ticks[0] + (video.duration or 0), ticks[-1] + 1))
    return [float(tick * video.time_base) for tick in ticks] if len(ticks) > 1 else []


def _duration(container: InputContainer, video: VideoStream) -> float:
    if video.duration and video.duration > 0 and video.time_base:
        return float(video.duration * video.time_base)
    if container.duration and container.duration > 0:
        return container.duration / av.time_base
    raise UnreadableMedia("its duration is not known: the file was not finished, or was made for streaming")


def _average_rate(video: VideoStream) -> float:
    rate = video.average_rate or video.guessed_rate
    if not rate:
        raise UnreadableMedia("its frame rate is not known")
    return float(rate)
