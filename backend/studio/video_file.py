"""One video file, read frame by frame as Label Studio counts them: from 1, at a constant rate."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from backend import types
from backend.errors import MediaError
from backend.studio.task_data import value_at
from backend.types import VideoSize

DEFAULT_RATE = 24.0
"""Frames a second that Label Studio counts by where the config tells no `framerate`."""
LARGEST_DRIFT = 0.5
"""Frames that a frame's time may lie off a constant rate, and that two rates may lie apart at the end of a video: from
half a frame on a number means the neighbouring frame. Container clocks round times to a millisecond, which is less."""
CONVERT = "Convert it with `ffmpeg -i in.mp4 -r {rate} -c:v libx264 -pix_fmt yuv420p out.mp4` and import it again."


class VideoFile:
    """Frames of one file by number. Memory holds one frame at a time; opened at the first frame, until `close`.

    Going on from frame to frame decodes each once; a jump starts at the codec's keyframe before the frame. One thread.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Raises MediaError, which calls the video `name`, for what is no video of a constant frame rate."""
        self._path = path
        self._name = name
        self._container: av.container.InputContainer | None = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._next = 0
        try:
            self._times, self._starts, self.size = self._indexed()
        except (av.FFmpegError, IndexError, OSError) as error:
            raise MediaError(f"{name} cannot be decoded ({error}). Expected a video file that FFmpeg reads.") from error

    def frame(self, number: int, max_side: int | None = None) -> types.Image:
        """(height, width, 3) uint8 RGB of frame `number`, from 1, upright, no side longer than `max_side` pixels."""
        if not 1 <= number <= self.size.frames:
            raise MediaError(f"{self._name} has no frame {number}. Expected 1 to {self.size.frames}.")
        try:
            return self._image(self._decoded(number), max_side)
        except (av.FFmpegError, OSError) as error:
            self.close()
            raise MediaError(f"{self._name}: frame {number} cannot be decoded ({error}). Convert it again.") from error

    def close(self) -> None:
        """Let the decoder go; the next frame opens the file again."""
        if self._container is not None:
            self._container.close()
        self._container, self._frames, self._next = None, iter(()), 0

    def _indexed(self) -> tuple[list[int], list[int], VideoSize]:
        """(time of each frame, numbers of the frames at which decoding can start, size), without decoding all."""
        with av.open(str(self._path)) as container:
            stream = container.streams.video[0]
            seen = [(p.pts, p.is_keyframe) for p in container.demux(stream) if p.size and not p.is_discard]
            times = sorted(pts for pts, _ in seen if pts is not None)
            if not times:
                raise MediaError(
                    f"{self._name} holds no video frame with a time. Expected a video such as an H.264 mp4."
                )
            rate = self._rate(times, stream.time_base or Fraction(1), stream.average_rate)
            places = {pts: number for number, pts in enumerate(times, 1)}
            starts = sorted(places[pts] for pts, key in seen if key and pts is not None)
            container.seek(times[0], stream=stream)
            first = next(container.decode(stream))
            height, width = (first.width, first.height) if first.rotation % 180 else (first.height, first.width)
            return times, starts or [1], VideoSize(width, height, len(times), rate)

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

    def _decoded(self, number: int) -> av.VideoFrame:
        start = self._starts[max(bisect_right(self._starts, number) - 1, 0)]
        if self._container is None:
            self._container = av.open(str(self._path))
            self._container.streams.video[0].thread_type = "AUTO"
        if not self._next <= number or start > self._next:
            self._seek(self._times[start - 1])
        target = self._times[number - 1]
        for frame in self._frames:
            if frame.pts is not None and frame.pts >= target:
                if frame.pts > target:
                    break
                self._next = number + 1
                return frame
        self.close()
        raise MediaError(f"{self._name}: frame {number} cannot be decoded. {CONVERT.format(rate=self.size.rate)}")

    def _seek(self, time: int) -> None:
        assert self._container is not None
        stream = self._container.streams.video[0]
        self._container.seek(time, stream=stream)
        self._frames = self._container.decode(stream)

    def _image(self, frame: av.VideoFrame, max_side: int | None) -> types.Image:
        scale = min(1.0, max_side / max(frame.width, frame.height)) if max_side else 1.0
        width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
        image = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.ascontiguousarray(np.rot90(image, frame.rotation // 90))


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
    value = value_at(data, stated[1:]) if stated.startswith("$") else stated
    try:
        rate = float(value)
    except (TypeError, ValueError):
        return DEFAULT_RATE
    if not np.isfinite(rate) or rate <= 0:
        return DEFAULT_RATE
    return 1 / rate if rate < 1 else rate
