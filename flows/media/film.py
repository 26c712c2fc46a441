"""A video being looked at: its facts, its pictures at given moments, its sound, and where it is damaged."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from PIL import Image

from flows.media import boxes
from flows.media.frames import picture_of, ticks_of, video_stream
from flows.media.headers import check_samples, facts_of
from flows.media.sound import is_silent
from flows.media.source import Source, open_container, open_source
from flows.media.unreadable import UnreadableMedia, picture_format
from flows.rules.facts import VideoFacts

# Streams cut from a broadcast begin with pictures that need earlier ones.
_PACKETS_TO_FIRST_PICTURE = 100


class Film:
    """An open video. It is decoded once, from its beginning on, as far as it is looked at.

    Args:
        container: The video.
        brand: What MP4 or MOV file it is, None for another container.
        size: Its length in bytes.

    Attributes:
        facts: What its headers say.
        damaged: What could not be decoded as it should so far: how many pictures were seen before, and seconds.
        last_keyframe: Seconds at which the last picture seen so far begins that needs no earlier one.

    Raises:
        UnreadableMedia: It has no picture that can be decoded.
    """

    def __init__(self, container: InputContainer, brand: str | None, size: int) -> None:
        self.damaged: list[tuple[int, float]] = []
        self.last_keyframe = 0.0
        self._container = container
        self._video = video_stream(container)
        # As many videos are looked at as there are cores: more threads for each would only add to the work.
        self._video.codec_context.thread_count = 1
        self._start, self._base = self._video.start_time or 0, self._video.time_base or 1
        self._frames = self._decoded()
        self._shown = next(self._frames)
        self._upcoming: VideoFrame | None = None
        self.facts = facts_of(container, self._video, self._shown, brand, size)

    def skip_to(self, moment: float) -> None:
        """Passes over what need not be decoded to show a moment, in seconds from the beginning."""
        target = self._ticks_at(moment)
        if self._keyframe_before(target) > ticks_of(self._shown):
            self._container.seek(target, stream=self._video)
            self._frames = self._decoded()
            self._shown, self._upcoming = next(self._frames), None

    def pictures_at(self, moments: Sequence[float], box: tuple[int, int] | None = None) -> Iterator[Image.Image]:
        """Decodes on and yields what is shown at some moments.

        Args:
            moments: Seconds from the beginning, rising. One past the end gives the last picture.
            box: Width and height in pixels that the pictures must fit in; None for their display size.

        Yields:
            One upright picture per moment.

        Raises:
            UnshowableMedia: What was decoded is no picture that can be shown; decoding may go on.
        """
        for moment in moments:
            self._decode_up_to(self._ticks_at(moment))
            yield picture_of(self._video, self._shown, box)

    def watch_to_its_end(self) -> None:
        """Decodes what is left, for nothing but to see whether it can be."""
        for _ in self._frames:
            pass

    def is_silent(self) -> bool:
        """Whether it has sound of which nothing can be heard. No picture can be asked for afterwards."""
        return self.facts.has_audio and is_silent(self._container)

    def _decode_up_to(self, target: int) -> None:
        """Decodes until the frame is at hand that is shown at a moment, and the one after it."""
        self._upcoming = self._upcoming or next(self._frames, None)
        while self._upcoming and ticks_of(self._upcoming) <= target:
            self._shown, self._upcoming = self._upcoming, next(self._frames, None)

    def _decoded(self) -> Iterator[VideoFrame]:
        """Decodes from where the container stands, passing over what is damaged or needs pictures cut away before."""
        seen = 0
        for number, packet in enumerate(self._container.demux(self._video)):
            if packet.has_sidedata("encryption_info"):
                raise UnreadableMedia("it is encrypted (copy protection)")
            if packet.is_keyframe:
                self.last_keyframe = self._seconds(packet.pts)
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.damaged.append((seen, self._seconds(packet.pts)))
                frames = []
            for frame in frames:
                if frame.is_corrupt:
                    self.damaged.append((seen, self._seconds(frame.pts)))
                seen += 1
                yield frame
            if not seen and number >= _PACKETS_TO_FIRST_PICTURE:
                break
        if not seen:
            raise UnreadableMedia("its first pictures cannot be decoded: it is damaged or encrypted")

    def _seconds(self, ticks: int | None) -> float:
        return float((ticks - self._start) * self._base) if ticks is not None else 0.0

    def _ticks_at(self, moment: float) -> int:
        ticks = moment / self._base
        return self._start + int(min(ticks, self._video.duration or ticks))

    def _keyframe_before(self, target: int) -> int:
        """When the last keyframe up to ``target`` begins, by the index; the start when there is no index."""
        found = self._video.index_entries.search_timestamp(target)
        return self._video.index_entries[found].timestamp if found >= 0 else self._start


@contextmanager
def open_film(stream: BinaryIO) -> Iterator[Film]:
    """Opens a video to look at its pictures.

    Args:
        stream: The video, seekable; it says itself how long it is.

    Raises:
        UnreadableMedia: It is not a video that can be read. Errors of the stream come through as they are.
    """
    with _film(*open_source(stream, stream.seek(0, io.SEEK_END), budget=None)) as film:
        yield film


def probe_video(stream: BinaryIO, size: int) -> VideoFacts:
    """Reads the headers of a video, a few hundred kilobytes at most, and its first picture, which has the rotation.

    Args:
        stream: A seekable binary stream: a local file, or a reader of byte ranges.
        size: Its length in bytes.

    Returns:
        The facts a rule can judge.

    Raises:
        UnreadableMedia: It is empty, cut off, encrypted, a picture, a text, sound only, of unknown length, or
            otherwise not a video that can be read. Errors of the stream itself come through as they are.
    """
    with _film(*open_source(stream, size)) as film:
        return film.facts


@contextmanager
def _film(source: Source, head: bytes) -> Iterator[Film]:
    if picture := picture_format(head):
        raise UnreadableMedia(f"it is a picture ({picture}), not a video")
    brand = boxes.brand(head)
    if brand:
        boxes.check_complete(source)
    with open_container(source) as container:
        if brand:
            check_samples(container, source.size)
        yield Film(container, brand, source.size)
