"""Decodes single frames of a video at given moments, upright and at the size wanted."""

from collections.abc import Iterator, Sequence

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from flows.media.source import Source, open_container
from flows.media.streams import decoded, display_size, video_stream
from flows.media.unreadable import UnreadableMedia

# High definition without a colour description is BT.709, as players have it; FFmpeg would assume BT.601.
_HIGH_DEFINITION_HEIGHT = 720
_UNSPECIFIED_COLOURS = 2


def frames_at(source: Source, seconds: Sequence[float], box: tuple[int, int] | None = None) -> Iterator[Image.Image]:
    """Decodes the frames shown at some moments, in one pass that skips what it can.

    Args:
        source: The video.
        seconds: Moments from the beginning, rising. A moment past the end gives the last frame.
        box: Width and height in pixels that the pictures must fit in; None for their display size.

    Yields:
        One upright picture per moment.

    Raises:
        UnreadableMedia: It is not a video, or no frame of it can be decoded.
    """
    with open_container(source) as container:
        video = video_stream(container)
        video.thread_type = "AUTO"
        for frame in _shown_at(container, video, seconds):
            yield _picture(video, frame, box)


def _shown_at(container: InputContainer, video: VideoStream, seconds: Sequence[float]) -> Iterator[VideoFrame]:
    start, base = video.start_time or 0, video.time_base or 1
    frames = decoded(container.demux(video))
    shown, upcoming = None, next(frames, None)
    for moment in seconds:
        target = start + int(min(moment / base, video.duration or moment / base))
        if upcoming is not None and _keyframe_before(video, target) > _ticks(upcoming):
            container.seek(target, stream=video)
            frames = decoded(container.demux(video))
            shown, upcoming = None, next(frames, None)
        while upcoming is not None and (shown is None or _ticks(upcoming) <= target):
            shown, upcoming = upcoming, next(frames, None)
        if shown is None:
            raise UnreadableMedia("no picture of it can be decoded")
        yield shown


def _keyframe_before(video: VideoStream, target: int) -> int:
    """When the last keyframe up to ``target`` begins, by the index; the start when there is no index."""
    found = video.index_entries.search_timestamp(target)
    return video.index_entries[found].timestamp if found >= 0 else video.start_time or 0


def _ticks(frame: VideoFrame) -> int:
    return frame.pts if frame.pts is not None else frame.dts or 0


def _picture(video: VideoStream, frame: VideoFrame, box: tuple[int, int] | None) -> Image.Image:
    width, height = display_size(video, frame)
    if box:
        scale = min(box[0] / width, box[1] / height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    sideways = frame.rotation % 180
    undescribed_hd = frame.colorspace == _UNSPECIFIED_COLOURS and frame.height >= _HIGH_DEFINITION_HEIGHT
    picture: Image.Image = frame.to_image(  # type: ignore[no-untyped-call]
        width=height if sideways else width,
        height=width if sideways else height,
        interpolation="BICUBIC",
        src_colorspace="ITU709" if undescribed_hd else None,
        threads=1,
    )
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
