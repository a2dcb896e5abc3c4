"""The frames of whole-video tasks: read by number when asked for, one file open at a time."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from backend.errors import MediaError
from backend.studio.media import MediaCache
from backend.studio.task_data import value_at
from backend.studio.video_file import VideoFile, check_rate
from backend.types import Control, Frame, VideoSize
from model_registry import TaskRecord

LOOKED_AT = 600
"""Frames of a video that are looked at, at most: on two cores that takes about half a minute. A longer video is looked at
each second, third.. frame; between two looks a track goes straight on."""
APART = 100_000
"""Frames between the end of one video and the start of the next in their group's time: nothing is linked over these."""

log = structlog.get_logger(__name__)

Keep = Callable[[Hashable, Callable[[], Frame]], Frame]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One video of a group."""

    task: int
    size: VideoSize
    start: int
    """Added to the number of a frame it gives the frame's place in the group's time, and its name in a lesson."""
    read: Callable[["Clip", int], Frame]

    def frame(self, number: int) -> Frame:
        """A frame by its number, from 1; raises MediaError where it cannot be decoded."""
        return self.read(self, number)

    @property
    def looks(self) -> list[int]:
        """Numbers of the frames to look at: all, or where these are too many each so manieth, and the last one."""
        last = self.size.frames
        return sorted({*range(1, last + 1, -(-last // LOOKED_AT)), last})


class Clips:
    """The videos of a group's tasks. `keep` answers from a cache what it has, else reads and keeps it."""

    def __init__(self, media: MediaCache, keep: Keep, max_side: int) -> None:
        self._media = media
        self._keep = keep
        self._max_side = max_side
        self._files: dict[tuple[int, str], VideoFile] = {}
        self._playing: VideoFile | None = None

    def select(self, tasks: Sequence[TaskRecord], control: Control) -> tuple[list[Clip], dict[int, str]]:
        """(videos of the tasks whose media can be had and counted, {task: what is wrong} for the others)."""
        clips, problems, start = list[Clip](), dict[int, str](), 0
        for task in sorted(tasks, key=lambda task: task.id):
            try:
                clip = self._open(task, control, start)
            except MediaError as error:
                log.warning("media not usable", task=task.id, why=str(error))
                problems[task.id] = str(error)
                continue
            clips.append(clip)
            start += clip.size.frames + APART
        return clips, problems

    def _open(self, task: TaskRecord, control: Control, start: int) -> Clip:
        url = value_at(task.data, control.media_field)
        if not isinstance(url, str) or not url:
            raise MediaError(
                f"Task {task.id} has {url!r} in data field '{control.media_field}', expected the address of a video."
            )
        name, key = url.split("?d=")[-1].split("?")[0].rsplit("/", 1)[-1], (task.id, url)
        if key not in self._files:
            self._files[key] = VideoFile(self._media.path(url, task.id), name)
        file = self._files[key]
        check_rate(file.size, control.frame_rate, task.data, name)
        return Clip(task.id, file.size, start, lambda clip, number: self._frame(clip, number, url))

    def _frame(self, clip: Clip, number: int, url: str) -> Frame:
        def read() -> Frame:
            file = self._files[clip.task, url]
            if self._playing is not file and self._playing is not None:
                self._playing.close()
            self._playing = file
            image = file.frame(number, self._max_side)
            key = clip.start + number
            return Frame(key, image, clip.size.width, clip.size.height, float(key))

        return self._keep((clip.task, url, clip.start, number), read)


class ClipFrames(Sequence[Frame]):
    """Some frames of some videos, in order of time; decoded when asked for."""

    def __init__(self, frames: Sequence[tuple[Clip, int]]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        if isinstance(index, slice):
            return ClipFrames(self._frames[index])
        clip, number = self._frames[index]
        return clip.frame(number)

    def __iter__(self) -> Iterator[Frame]:
        return (clip.frame(number) for clip, number in self._frames)
