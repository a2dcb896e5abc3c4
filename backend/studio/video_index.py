"""Which picture of a video stands at which time, and which of them a player shows as frame k. Nothing is decoded."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from backend.errors import DamagedMedia, MediaError

DEFAULT_RATE = 24.0
"""Frames a second that Label Studio counts by where the config tells no `framerate`."""
LARGEST_DRIFT = 0.5
"""Frames that a frame's time may lie off a constant rate, and that two rates may lie apart at the end of a video: from
half a frame on a number means the neighbouring frame. Container clocks round times to a millisecond, which is less."""
CONVERT = "Convert it with `ffmpeg -i in.mp4 -r {rate} -c:v libx264 -pix_fmt yuv420p out.mp4` and import it again."


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """The pictures of a video in the order in which they are shown. Places are in frames from time 0."""

    times: tuple[int, ...]
    """Of each picture, in ticks of the stream."""
    starts: tuple[int, ...]
    """Indices of the pictures at which decoding can start."""
    reached: tuple[float, ...]
    """For each of `starts` the place from which on a jump shows it."""
    first: float
    """Place of the first picture."""
    rate: float
    """Frames a second."""
    frames: int
    """How many frames the editor counts: as long as there are pictures, or sound."""

    def picture(self, number: int) -> int:
        """Index of the picture that is shown as frame `number`, from 1: at the middle of its time.

        Before the first picture the first is shown, behind the last one the last.
        """
        place = number - 0.5
        jump = self.starts[max(bisect_right(self.reached, place) - 1, 0)]
        return min(max(int(np.floor(place - self.first)), jump), len(self.times) - 1)

    def start(self, index: int) -> int:
        """Index of the last picture up to this one at which decoding can start."""
        return self.starts[bisect_right(self.starts, index) - 1]


def index_of(container: av.container.InputContainer, name: str) -> VideoIndex:
    """Read through a video; raises MediaError, which calls it `name`, where its frames are not evenly spread."""
    stream = container.streams.video[0]
    base = stream.time_base or Fraction(1)
    shown, keys = set[int](), dict[int, int]()
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None and not packet.is_discard:
            shown.add(packet.pts)
            if packet.is_keyframe:
                keys[packet.pts] = packet.pts if packet.dts is None else packet.dts
    if not shown:
        raise DamagedMedia(f"{name} holds no video frame with a time. Expected a video such as an H.264 mp4.")
    times = sorted(shown)
    rate = _rate(times, base, stream.average_rate, name)
    # What is shown first need not be a keyframe: a trimmer leaves the one before it in the file, hidden.
    starting = sorted({times[0], *keys})
    jumps = [(keys.get(time, time), time) for time in starting]
    early = _jumps_early(container, jumps)
    first, lasts = float(times[0] * base) * rate, (container.duration or 0) / av.time_base
    return VideoIndex(
        tuple(times),
        tuple(bisect_left(times, time) for time in starting),
        tuple(float((decoded if early else time) * base) * rate for decoded, time in jumps),
        first,
        rate,
        max(int(first + 0.5) + len(times), round(lasts * rate)),
    )


def _rate(times: Sequence[int], base: Fraction, stated: Fraction | None, name: str) -> float:
    """Frames a second; raises MediaError where the frames are not evenly spread."""
    if len(times) == 1:
        return float(stated or DEFAULT_RATE)
    step = (times[-1] - times[0]) / (len(times) - 1)
    even = times[0] + step * np.arange(len(times))
    # A clock tick is the least that a time can be off.
    if step == 0 or np.abs(np.array(times) - even).max() > max(LARGEST_DRIFT * step, 1):
        gaps = np.diff(times) * float(base)
        usual = f"{1 / max(float(np.median(gaps)), 1e-3):.5g}"
        raise MediaError(
            f"{name} has a variable frame rate (frames are {gaps.min():.3f} to {gaps.max():.3f} s apart), and "
            f"Label Studio counts frames at a constant one. {CONVERT.format(rate=usual)}"
        )
    return 1 / float(step * base)


def _jumps_early(container: av.container.InputContainer, keys: Sequence[tuple[int, int]]) -> bool:
    """Whether a jump to just before a codec keyframe shows that keyframe; `keys` are (time of decoding, time) in ticks.

    In a fragmented MP4 players find keyframes by the time at which they are decoded, which B-frames make an earlier one.
    """
    stream = container.streams.video[0]
    for decoded, shown in keys[1:]:
        if decoded < shown:
            container.seek((decoded + shown) // 2, stream=stream)
            packet = next(container.demux(stream))
            return packet.pts is not None and packet.pts >= shown
    return False
