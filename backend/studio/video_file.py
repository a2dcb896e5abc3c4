"""One video file, read frame by frame as Label Studio counts them: from 1, at a constant rate, from time 0 on."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import numpy as np

from backend import types
from backend.errors import DamagedMedia, MediaError
from backend.studio.decoding import decoded, opened, quarter_turns, upright
from backend.studio.images import MOST_PIXELS
from backend.studio.task_data import value_at
from backend.studio.video_index import CONVERT, DEFAULT_RATE, LARGEST_DRIFT, VideoIndex, index_of
from backend.tracks import VideoSize


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
        self._last: av.VideoFrame | None = None
        self._at = 0
        """Index of the last picture that was decoded."""
        try:
            self._index, self.size = self._looked_through()
        except (av.FFmpegError, IndexError, StopIteration, OSError) as error:
            raise DamagedMedia(
                f"{name} cannot be decoded ({error}). Expected a video file that FFmpeg reads."
            ) from error

    def frame(self, number: int, max_side: int | None = None) -> types.Image:
        """(height, width, 3) uint8 RGB of frame `number`, from 1, upright, no side longer than `max_side` pixels."""
        if not 1 <= number <= self.size.frames:
            raise MediaError(f"{self._name} has no frame {number}. Expected 1 to {self.size.frames}.")
        try:
            return upright(self._decoded(self._index.picture(number), number), max_side)
        except (av.FFmpegError, OSError) as error:
            self.close()
            raise MediaError(f"{self._name}: frame {number} cannot be decoded ({error}). Convert it again.") from error

    def close(self) -> None:
        """Let the decoder go; the next frame opens the file again."""
        if self._container is not None:
            self._container.close()
        self._container, self._frames, self._last = None, iter(()), None

    def _looked_through(self) -> tuple[VideoIndex, VideoSize]:
        with opened(self._path) as container:
            stream = container.streams.video[0]
            if stream.width * stream.height > MOST_PIXELS:
                raise MediaError(
                    f"{self._name} has {stream.width} x {stream.height} pixels, expected at most "
                    f"{MOST_PIXELS // 1_000_000} million. Scale it down and import it again."
                )
            index = index_of(container, self._name)
            container.seek(index.times[0], stream=stream)
            frame = next(decoded(container))
            width, height = (frame.height, frame.width) if quarter_turns(frame) % 2 else (frame.width, frame.height)
            return index, VideoSize(width, height, index.frames, index.rate)

    def _decoded(self, index: int, number: int) -> av.VideoFrame:
        """The picture of an index, which is frame `number`."""
        start, time = self._index.start(index), self._index.times[index]
        if self._last is not None and self._at == index:
            return self._last
        if self._container is None:
            self._container = opened(self._path)
        if self._last is None or self._at > index or self._at + 1 < start:
            self._seek(self._index.times[start])
        for frame in self._frames:
            if frame.pts is not None and frame.pts >= time:
                self._last, self._at = frame, bisect_left(self._index.times, frame.pts)
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
