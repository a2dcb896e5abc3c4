"""The frames of whole-video tasks: read by number when asked for, one file open at a time."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from backend.cancel import NEVER, CancelToken
from backend.errors import MediaError
from backend.loop.data.readable import nearest, readable
from backend.studio.media import MediaCache, is_inline
from backend.studio.task_data import value_at
from backend.studio.video_file import VideoFile, check_rate
from backend.tracks import VideoSize
from backend.types import Control, Frame
from model_registry import TaskRecord

LOOKED_AT = 600
"""Frames of a video that are looked at, at most: on two cores that takes about half a minute. A longer video is looked at
each second, third.. frame; between two looks a track goes straight on."""
FRAMES_BETWEEN_VIDEOS = 100_000
"""Frames between the end of one video and the start of the next in their group's time: nothing is linked over these."""

log = structlog.get_logger(__name__)

Keep = Callable[[Hashable, Callable[[], Frame]], Frame]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One video of a group."""

    task: int
    size: VideoSize
    start: int
    """Added to the number of a frame it gives the frame's place in the group's time, and its name in a training set."""
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

    def __init__(self, media: MediaCache, keep: Keep, max_side: int, cancel: CancelToken = NEVER) -> None:
        self._media, self._cancel = media, cancel
        self._keep = keep
        self._max_side = max_side
        self._damaged: dict[int, set[int]] = {}
        self._files: dict[tuple[int, str], VideoFile] = {}
        self._playing: VideoFile | None = None

    @property
    def remarks(self) -> dict[int, str]:
        """{task: which frames of its video could not be decoded, of those that were asked for}."""
        return {
            task: f"{'frame' if len(numbers) == 1 else 'frames'} {_spans(numbers)} of its video cannot be decoded; the "
            "others are used. Convert it again for all."
            for task, numbers in self._damaged.items()
        }

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
            start += clip.size.frames + FRAMES_BETWEEN_VIDEOS
        return clips, problems

    def _open(self, task: TaskRecord, control: Control, start: int) -> Clip:
        url = value_at(task.data, control.media_field)
        if not isinstance(url, str) or not url:
            raise MediaError(
                f"Task {task.id} has {url!r} in data field '{control.media_field}', expected the address of a video."
            )
        name, key = name_of(url, task.id), (task.id, url)
        if key not in self._files:
            self._files[key] = self._media.video(url, task.id, name, self._cancel)
        file = self._files[key]
        check_rate(file.size, control.frame_rate, task.data, name)
        return Clip(task.id, file.size, start, lambda clip, number: self._frame(clip, number, url))

    def _frame(self, clip: Clip, number: int, url: str) -> Frame:
        def read() -> Frame:
            file = self._files[clip.task, url]
            if self._playing is not file and self._playing is not None:
                self._playing.close()
            self._playing = file
            self._cancel.check()
            try:
                image = file.frame(number, self._max_side)
            except MediaError:
                self._damaged.setdefault(clip.task, set()).add(number)
                raise
            key = clip.start + number
            return Frame(key, image, clip.size.width, clip.size.height, float(key))

        return self._keep((clip.task, url, clip.start, number), read)


class ClipFrames(Sequence[Frame]):
    """Some frames of some videos, in order of time; decoded when asked for.

    A damaged one is left out by iteration, and its nearest neighbour stands for it at its index.
    """

    def __init__(self, frames: Sequence[tuple[Clip, int]]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        if isinstance(index, slice):
            return ClipFrames(self._frames[index])
        place = range(len(self))[index]
        return nearest(lambda at: self._frames[at][0].frame(self._frames[at][1]), place, len(self))

    def __iter__(self) -> Iterator[Frame]:
        return readable(partial(clip.frame, number) for clip, number in self._frames)


def name_of(url: str, task: int) -> str:
    """What to call a video in words."""
    if is_inline(url):
        return f"the video of task {task}"
    return url.split("?d=")[-1].split("?")[0].rsplit("/", 1)[-1]


def _spans(numbers: Collection[int]) -> str:
    """Numbers in words: 3, 7-9."""
    ordered = sorted(numbers)
    starts = [n for n in ordered if n - 1 not in numbers]
    ends = [n for n in ordered if n + 1 not in numbers]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
