"""Listens whether a video's sound can be heard at all."""

from array import array
from typing import BinaryIO

import av
from av.audio.resampler import AudioResampler

from flows.media.source import open_container, whole

#: The loudest sample of what counts as silence, of 32767: about -60 dB, below any room's own noise.
_SILENCE = 32


def is_silent(stream: BinaryIO) -> bool:
    """Whether a video has sound of which nothing can be heard; one without sound is not silent, and is told elsewhere.

    Args:
        stream: The video, seekable. It is read until the first sound.

    Raises:
        UnreadableMedia: It is no video.
    """
    with open_container(whole(stream)) as container:
        if not container.streams.audio:
            return False
        resampler = AudioResampler(format="s16", layout="mono")
        try:
            for frame in container.decode(container.streams.audio[0]):
                for block in resampler.resample(frame):
                    samples = array("h", bytes(block.planes[0])[: 2 * block.samples])
                    if samples and max(max(samples), -min(samples)) > _SILENCE:
                        return False
        except av.error.FFmpegError:
            return False  # what cannot be decoded is not silence
    return True
