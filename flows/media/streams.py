"""The video stream inside a container: which one it is, how to decode it, how large it is shown."""

from collections.abc import Iterable, Iterator

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from flows.media.unreadable import UnreadableMedia

_SANE_PIXELS = 100_000_000


def video_stream(container: InputContainer) -> VideoStream:
    """Returns the stream that moves, passing over cover pictures.

    Raises:
        UnreadableMedia: There is none, its codec is unknown, or its size is absurd.
    """
    cover = av.stream.Disposition.attached_pic
    videos = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not videos:
        sound = "only sound" if container.streams.audio else "no video stream"
        raise UnreadableMedia(f"it contains {sound}")
    video = videos[0]
    # A codec FFmpeg does not know comes with no context at all, which PyAV's types do not say.
    context: av.VideoCodecContext | None = video.codec_context
    if context is None:
        raise UnreadableMedia("its video codec is not known here")
    if not 0 < context.width * context.height <= _SANE_PIXELS:
        raise UnreadableMedia(f"its pictures of {context.width} x {context.height} pixels cannot be real")
    return video


def decoded(packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
    """Decodes packets of a video stream, passing over those that are damaged or need pictures cut away before.

    Raises:
        UnreadableMedia: They are encrypted; decoding them would give noise.
    """
    for packet in packets:
        if packet.has_sidedata("encryption_info"):
            raise UnreadableMedia("it is encrypted (copy protection)")
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            if isinstance(frame, VideoFrame):
                yield frame


def display_size(video: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    """Returns width and height in pixels as a player shows the frame: sample aspect and rotation applied."""
    width, height = round(frame.width * (video.sample_aspect_ratio or 1)), frame.height
    return (height, width) if frame.rotation % 180 else (width, height)
