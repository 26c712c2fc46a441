"""What is known of a video or a picture after reading its headers. Plain values, for rules to judge."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoFacts:
    """What the headers of a video say.

    Attributes:
        container: ``mp4``, ``mov``, ``3gp``, ``matroska``, ``avi`` or FFmpeg's name of another format. MP4
            and MOV are told apart by the brand the file declares.
        codec: FFmpeg's name of the video codec, such as ``h264``.
        duration_seconds: Length of the video stream.
        width: Display width in pixels, after rotation and sample aspect.
        height: Display height in pixels, after rotation and sample aspect.
        frame_rate: Average frames per second.
        slowest_rate: Lowest frame rate over any stretch of about a second; differs from the average when the
            frame rate varies.
        fastest_rate: Highest frame rate over any stretch of about a second.
        has_audio: Whether there is a sound stream.
        size_bytes: Size of the file.
    """

    container: str
    codec: str
    duration_seconds: float
    width: int
    height: int
    frame_rate: float
    slowest_rate: float
    fastest_rate: float
    has_audio: bool
    size_bytes: int


@dataclass(frozen=True)
class ImageFacts:
    """What the headers of a picture say.

    Attributes:
        format: ``jpeg``, ``png``, ``webp``, ``bmp`` or ``gif``.
        width: Stored width in pixels.
        height: Stored height in pixels.
        has_alpha: Whether the picture can be transparent: an alpha channel, or a transparent palette colour.
        size_bytes: Size of the file.
        animated: Whether it has more than one frame.
    """

    format: str
    width: int
    height: int
    has_alpha: bool
    size_bytes: int
    animated: bool = False
