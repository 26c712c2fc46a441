"""Making a valid video with the wrong length out of a right one."""

import io
from pathlib import Path

import av


def half_as_long(video: Path) -> bytes:
    """The first half of an MP4 as an MP4 of its own, packets unchanged."""
    target = io.BytesIO()
    with av.open(str(video)) as source, av.open(target, "w", format="mp4") as result:
        end = (source.duration or 0) / av.time_base / 2
        streams = {stream.index: result.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            if packet.pts * packet.time_base < end:
                packet.stream = streams[packet.stream.index]
                result.mux(packet)
    return target.getvalue()
