"""The decoded frames of a group: read when asked for, kept up to a limit in MB."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock

import structlog

from backend.cancel import NEVER, CancelToken
from backend.errors import MediaError
from backend.loop.data.grouping import order_of
from backend.loop.data.pages import in_words, task_of
from backend.loop.data.readable import nearest, readable
from backend.loop.data.video_frames import Clips
from backend.studio.media import MediaCache
from backend.studio.task_data import value_at
from backend.types import Frame
from model_registry import TaskRecord

MAX_SIDE = 2048
"""Longest side of a decoded frame, pixels: no recipe trains on more, and a 100-megapixel scan must fit in memory."""

FETCHERS = 4
"""Downloads at once; Label Studio's own server answers from few processes."""

log = structlog.get_logger(__name__)


class FrameStore:
    """Frames of tasks by their media field, decoded at most once while they fit into `limit_mb`.

    `cancel` is asked for each frame that somebody asks for, and while one is waited for; what it raises passes through.
    What cannot be had is not asked for again: a slow file would cost its time at each step of a training. `room` is how
    many bytes a training may take in all: a quarter of it at most is for frames that are kept.
    """

    def __init__(self, media: MediaCache, limit_mb: int, cancel: CancelToken = NEVER, room: int | None = None) -> None:
        self._media, self._cancel, self.room = media, cancel, room
        self._limit = limit_mb * 1_000_000 if room is None else min(limit_mb * 1_000_000, room // 4)
        self._kept: OrderedDict[Hashable, Frame] = OrderedDict()
        self._size = 0  # bytes of the frames that are kept
        self._lock = Lock()
        self._failed = dict[Hashable, str]()
        self._remarks = dict[int, str]()
        self.clips = Clips(media, self._get, MAX_SIDE, cancel)
        """The videos of tasks that hold whole ones."""

    def frame(self, task: TaskRecord, field: str) -> Frame:
        """The frame of a task; raises MediaError where it cannot be had."""
        self._cancel.check()
        url, owner = value_at(task.data, field), task_of(task.id)
        if not isinstance(url, str) or not url:
            raise MediaError(
                f"T{in_words(task.id)[1:]} has {url!r} in data field '{field}', expected the address of an image."
            )

        def read() -> Frame:
            image, (width, height) = self._media.image(
                url, owner, MAX_SIDE, self._cancel, lambda remark: self._remarks.update({owner: remark})
            )
            return Frame(task.id, image, width, height, order_of(task.data))

        return self._get((task.id, url), read)

    def stamp(self, url: str) -> str:
        """See `MediaCache.stamp`."""
        return self._media.stamp(url)

    @property
    def remarks(self) -> dict[int, str]:
        """{task: what is odd about its media, which are used nevertheless}, of what was read so far."""
        return {**self._remarks, **self.clips.remarks}

    def select(self, tasks: Sequence[TaskRecord], field: str) -> tuple["FrameSequence", dict[int, str]]:
        """(frames of the tasks whose media can be had, {task: what is wrong} for the others).

        Downloads what is not here yet, several at once, and decodes every image one time to know.
        """
        outcomes = self._fetched(tasks, field)
        sizes = {t.id: size for t, size in zip(tasks, outcomes, strict=True) if not isinstance(size, str)}
        problems = {t.id: why for t, why in zip(tasks, outcomes, strict=True) if isinstance(why, str)}
        return FrameSequence(self, [t for t in tasks if t.id in sizes], field, sizes), problems

    def _fetched(self, tasks: Sequence[TaskRecord], field: str) -> list[tuple[int, int] | str]:
        """For each task the original size of its frame, or what is wrong. Ends within a second of what `cancel` raises."""
        with ThreadPoolExecutor(FETCHERS, thread_name_prefix="media") as pool:
            line = [pool.submit(self._size_of, task, field) for task in tasks]
            try:
                return [one.result() for one in line]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _size_of(self, task: TaskRecord, field: str) -> tuple[int, int] | str:
        """Original (width, height) of a task's frame, or what is wrong with it."""
        try:
            frame = self.frame(task, field)
        except MediaError as error:
            log.warning("media not usable", task=task.id, why=str(error))
            return str(error)
        return frame.width, frame.height

    def _get(self, key: Hashable, read: Callable[[], Frame]) -> Frame:
        """What is kept under this key; where nothing is, `read` reads it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if key in self._failed:
                raise MediaError(self._failed[key])
        try:
            frame = read()
        except MediaError as error:
            with self._lock:
                self._failed[key] = str(error)
            raise
        with self._lock:
            if key not in self._kept:
                self._size += frame.image.nbytes
            self._kept[key] = frame
            while self._size > self._limit and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1].image.nbytes
        return frame


class FrameSequence(Sequence[Frame]):
    """Frames of a group in the order of its time where it has one, else of its tasks; decoded when asked for.

    One that cannot be had any more is left out by iteration, and its nearest neighbour stands for it at its index.
    """

    def __init__(
        self, store: FrameStore, tasks: Sequence[TaskRecord], field: str, sizes: Mapping[int, tuple[int, int]]
    ) -> None:
        self._store = store
        self.sizes = sizes
        """{task: original (width, height) in pixels}, without decoding."""
        self._tasks = sorted(tasks, key=lambda t: (order_of(t.data) is None, order_of(t.data) or 0.0, t.id))
        self._field = field

    @property
    def nbytes(self) -> int:
        """Of all frames decoded, without decoding them."""
        return sum(_decoded(*self.sizes[task.id]) for task in self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        if isinstance(index, slice):
            return FrameSequence(self._store, self._tasks[index], self._field, self.sizes)
        place = range(len(self))[index]
        return nearest(lambda at: self._store.frame(self._tasks[at], self._field), place, len(self))

    def __iter__(self) -> Iterator[Frame]:
        return readable(partial(self._store.frame, task, self._field) for task in self._tasks)


def _decoded(width: int, height: int) -> int:
    """Bytes of a frame of this original size."""
    scale = min(1.0, MAX_SIDE / max(width, height, 1))
    return round(width * scale) * round(height * scale) * 3
