"""Listens whether a video's sound can be heard at all."""

from array import array

import av
from av.audio.resampler import AudioResampler
from av.container import InputContainer

#: The loudest sample of what counts as silence, of 32767: about -60 dB, below any room's own noise.
_SILENCE = 32


def is_silent(container: InputContainer) -> bool:
    """Whether nothing of a video's sound can be heard. It is read from its beginning until the first sound.

    Args:
        container: The open video, which has sound.
    """
    resampler = AudioResampler(format="s16", layout="mono")
    try:
        container.seek(container.start_time or 0)
        for frame in container.decode(container.streams.audio[0]):
            for block in resampler.resample(frame):
                samples = array("h", bytes(block.planes[0])[: 2 * block.samples])
                if samples and max(max(samples), -min(samples)) > _SILENCE:
                    return False
    except av.error.FFmpegError:
        return False  # what cannot be decoded is not silence
    return True
