"""Opening a video and decoding its pictures, upright and one by one: the only place where PyAV reads a file."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from backend import types

FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,h264,hevc,m4v,ivf,obu,av1,mjpeg,mxf,nut,dv"
"""Containers that hold their own pictures. FFmpeg's other readers are closed to foreign files: a playlist (HLS, DASH,
concat, SDP) would make it open whatever files and addresses it names."""

MOST_THREADS = 16
"""Of a decoder."""


def opened(path: Path) -> "av.container.InputContainer":
    """The container; raises what PyAV does for a file that is none of these."""
    whitelists = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    container = av.open(str(path.absolute()), container_options=whitelists)
    for stream in container.streams.video:
        stream.thread_type = "AUTO"
    return container


def decoded(container: "av.container.InputContainer") -> Iterator[av.VideoFrame]:
    """The pictures from where the container stands on, in order of time; a damaged one is left out."""
    for packet in container.demux(container.streams.video[0]):
        # Several threads may still hold pictures when the last packet has been read, and one of them a damaged one.
        for _ in range(MOST_THREADS if packet.size == 0 else 1):
            try:
                yield from packet.decode()
                break
            except av.InvalidDataError:
                continue


def upright(frame: av.VideoFrame, max_side: int | None = None) -> types.Image:
    """(height, width, 3) uint8 RGB, turned as players turn it, no side longer than `max_side` pixels."""
    scale = min(1.0, max_side / max(frame.width, frame.height)) if max_side else 1.0
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    image = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(image, quarter_turns(frame)))


def quarter_turns(frame: av.VideoFrame) -> int:
    """By how many right angles, against the clock; players turn by no others."""
    turns, rest = divmod(frame.rotation, 90)
    return 0 if rest else turns % 4
