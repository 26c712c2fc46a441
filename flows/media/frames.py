"""The stream of a video that moves, and its frames: when each is shown, how large, and as a picture."""

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from flows.media.unreadable import UnreadableMedia, UnshowableMedia

_SANE_PIXELS = 100_000_000
# High definition without a colour description is BT.709, as players have it; FFmpeg would assume BT.601.
_HIGH_DEFINITION_HEIGHT = 720
_UNSPECIFIED_COLOURS = 2


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


def display_size(video: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    """Returns width and height in pixels as a player shows the frame: sample aspect and rotation applied."""
    width, height = round(frame.width * (video.sample_aspect_ratio or 1)), frame.height
    return (height, width) if frame.rotation % 180 else (width, height)


def ticks_of(frame: VideoFrame) -> int:
    """Returns when a frame is shown, in ticks of its stream."""
    return frame.pts if frame.pts is not None else frame.dts or 0


def picture_of(video: VideoStream, frame: VideoFrame, box: tuple[int, int] | None) -> Image.Image:
    """Returns a frame as an upright picture.

    Args:
        video: Its stream.
        frame: The frame.
        box: Width and height in pixels that the picture must fit in; None for its display size.

    Raises:
        UnshowableMedia: It is in a format that cannot be shown here.
    """
    width, height = display_size(video, frame)
    if box:
        scale = min(box[0] / width, box[1] / height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    sideways = frame.rotation % 180
    undescribed_hd = frame.colorspace == _UNSPECIFIED_COLOURS and frame.height >= _HIGH_DEFINITION_HEIGHT
    try:
        picture: Image.Image = frame.to_image(  # type: ignore[no-untyped-call]
            width=height if sideways else width,
            height=width if sideways else height,
            interpolation="AREA",
            src_colorspace="ITU709" if undescribed_hd else None,
            threads=1,
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise UnshowableMedia(f"its pictures cannot be shown: {error}") from error
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
