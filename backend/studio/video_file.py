"""One video file, read frame by frame as Label Studio counts them: from 1, at a constant rate, from time 0 on."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from backend import types
from backend.errors import DamagedMedia, MediaError
from backend.studio.decoding import decoded, opened, quarter_turns, upright
from backend.studio.images import MOST_PIXELS
from backend.types import VideoSize

DEFAULT_RATE = 24.0
"""Frames a second that Label Studio counts by where the config tells no `framerate`."""
LARGEST_DRIFT = 0.5
"""Frames that a frame's time may lie off a constant rate, and that two rates may lie apart at the end of a video: from
half a frame on a number means the neighbouring frame. Container clocks round times to a millisecond, which is less."""
CONVERT = "Convert it with `ffmpeg -i in.mp4 -r {rate} -c:v libx264 -pix_fmt yuv420p out.mp4` and import it again."


class VideoFile:
    """Frames of one file by number. Memory holds one frame at a time; opened at the first frame, until `close`.

    The editor shows of frame k the picture that the player has at the middle of its time, (k - 0.5) / rate: pictures that
    begin later than time 0 have higher numbers, before the first one the first is shown, behind the last one the last.
    Going on from frame to frame decodes each once; a jump starts at the codec's keyframe before the frame. One thread.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Raises MediaError, which calls the video `name`, for what is no video of a constant frame rate."""
        self._path = path
        self._name = name
        self._container: av.container.InputContainer | None = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._last: av.VideoFrame | None = None
        self._at = 0
        """Index of the last picture that was decoded."""
        try:
            self._times, self._starts, self._early, self._first, self.size = self._indexed()
        except (av.FFmpegError, IndexError, StopIteration, OSError) as error:
            raise DamagedMedia(
                f"{name} cannot be decoded ({error}). Expected a video file that FFmpeg reads."
            ) from error

    def frame(self, number: int, max_side: int | None = None) -> types.Image:
        """(height, width, 3) uint8 RGB of frame `number`, from 1, upright, no side longer than `max_side` pixels."""
        if not 1 <= number <= self.size.frames:
            raise MediaError(f"{self._name} has no frame {number}. Expected 1 to {self.size.frames}.")
        try:
            return upright(self._decoded(self._picture(number), number), max_side)
        except (av.FFmpegError, OSError) as error:
            self.close()
            raise MediaError(f"{self._name}: frame {number} cannot be decoded ({error}). Convert it again.") from error

    def close(self) -> None:
        """Let the decoder go; the next frame opens the file again."""
        if self._container is not None:
            self._container.close()
        self._container, self._frames, self._last = None, iter(()), None

    def _indexed(self) -> tuple[list[int], list[int], list[float], float, VideoSize]:
        """(time of each picture in ticks, indices of those at which decoding can start, places from which on a jump shows
        these, place of the first picture, size), without decoding all. Places are in frames from time 0."""
        with opened(self._path) as container:
            stream = container.streams.video[0]
            self._check_pixels(stream)
            shown = [p for p in container.demux(stream) if p.size and not p.is_discard and p.pts is not None]
            times = sorted({p.pts for p in shown})
            if not times:
                raise DamagedMedia(
                    f"{self._name} holds no video frame with a time. Expected a video such as an H.264 mp4."
                )
            base = stream.time_base or Fraction(1)
            rate = self._rate(times, base, stream.average_rate)
            places = {pts: index for index, pts in enumerate(times)}
            # What is shown first need not be a keyframe: a trimmer leaves the one before it in the file, hidden.
            keys = {places[p.pts]: p.pts if p.dts is None else p.dts for p in shown if p.is_keyframe}
            starts = sorted({0, *keys})
            decoded_at = [keys.get(start, times[start]) for start in starts]
            if not _jumps_early(container, [(at, times[start]) for at, start in zip(decoded_at, starts, strict=True)]):
                decoded_at = [times[start] for start in starts]
            container.seek(times[0], stream=stream)
            frame = next(decoded(container))
            width, height = (frame.height, frame.width) if quarter_turns(frame) % 2 else (frame.width, frame.height)
            first, lasts = float(times[0] * base) * rate, (container.duration or 0) / av.time_base
            count = max(int(first + 0.5) + len(times), round(lasts * rate))  # sound may go on behind the last picture
            early = [float(at * base) * rate for at in decoded_at]
            return times, starts, early, first, VideoSize(width, height, count, rate)

    def _check_pixels(self, stream: "av.video.stream.VideoStream") -> None:
        if stream.width * stream.height > MOST_PIXELS:
            raise MediaError(
                f"{self._name} has {stream.width} x {stream.height} pixels, expected at most {MOST_PIXELS // 1_000_000} "
                "million. Scale it down and import it again."
            )

    def _rate(self, times: list[int], base: Fraction, stated: Fraction | None) -> float:
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
                f"{self._name} has a variable frame rate (frames are {gaps.min():.3f} to {gaps.max():.3f} s apart), and "
                f"Label Studio counts frames at a constant one. {CONVERT.format(rate=usual)}"
            )
        return 1 / float(step * base)

    def _picture(self, number: int) -> int:
        """Index of the picture that is shown at the middle of a frame's time."""
        place = number - 0.5
        jump = self._starts[max(bisect_right(self._early, place) - 1, 0)]
        return min(max(int(np.floor(place - self._first)), jump), len(self._times) - 1)

    def _decoded(self, index: int, number: int) -> av.VideoFrame:
        start = self._starts[bisect_right(self._starts, index) - 1]
        if self._last is not None and self._at == index:
            return self._last
        if self._container is None:
            self._container = opened(self._path)
        if self._last is None or self._at > index or self._at + 1 < start:
            self._seek(self._times[start])
        for frame in self._frames:
            if frame.pts is not None and frame.pts >= self._times[index]:
                self._last, self._at = frame, bisect_left(self._times, frame.pts)
                if self._at == index:
                    return frame
                break
        else:
            self.close()
        raise MediaError(f"{self._name}: frame {number} cannot be decoded. {CONVERT.format(rate=self.size.rate)}")

    def _seek(self, time: int) -> None:
        assert self._container is not None
        self._container.seek(time, stream=self._container.streams.video[0])
        self._frames = decoded(self._container)


def _jumps_early(container: av.container.InputContainer, keys: Sequence[tuple[int, int]]) -> bool:
    """Whether a jump to just before a codec keyframe shows that keyframe; `keys` are (time of decoding, time) in ticks.

    In a fragmented MP4 players find keyframes by the time at which they are decoded, which B-frames make an earlier one.
    """
    stream = container.streams.video[0]
    for decoded_at, shown_at in keys[1:]:
        if decoded_at < shown_at:
            container.seek((decoded_at + shown_at) // 2, stream=stream)
            packet = next(container.demux(stream))
            return packet.pts is not None and packet.pts >= shown_at
    return False


def check_rate(size: VideoSize, stated: str, data: Mapping[str, object], name: str) -> None:
    """MediaError where the rate by which Label Studio counts is not the file's: its frame numbers mean other frames.

    `stated` is the `framerate` of the config: a number, below 1 seconds for each frame, or a data field such as `$fps`.
    """
    counted = _counted(stated, data)
    drift = abs(size.frames * counted / size.rate - size.frames)
    if drift > LARGEST_DRIFT:
        given = f"framerate={stated!r}" if stated else "no framerate, which means 24,"
        raise MediaError(
            f"{name} has {size.rate:.5g} frames a second, but the Video tag has {given} so Label Studio's frame numbers "
            f"do not fit it. Write framerate=\"{size.rate:.5g}\" in the Video tag, and press 'Start training'."
        )


def _counted(stated: str, data: Mapping[str, object]) -> float:
    """The rate by which the editor counts (`Video.js`, `afterCreate`)."""
    value = data.get(stated[1:]) if stated.startswith("$") else stated
    try:
        rate = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return DEFAULT_RATE
    if not np.isfinite(rate) or rate <= 0:
        return DEFAULT_RATE
    return 1 / rate if rate < 1 else rate
