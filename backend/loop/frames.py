"""The decoded frames of a group: read when asked for, kept up to a limit in MB."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import structlog

from backend.errors import MediaError
from backend.loop.grouping import order_of
from backend.loop.video_frames import Clips
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

    `alive` is called for each frame that somebody asks for; what it raises passes through. `room` is how many bytes a
    training may take in all: a quarter of it at most is for frames that are kept.
    """

    def __init__(
        self, media: MediaCache, limit_mb: int, alive: Callable[[], None] = lambda: None, room: int | None = None
    ) -> None:
        self._media, self._alive, self.room = media, alive, room
        self._limit = limit_mb * 1_000_000 if room is None else min(limit_mb * 1_000_000, room // 4)
        self._kept: OrderedDict[Hashable, Frame] = OrderedDict()
        self._lock = Lock()
        self.clips = Clips(media, self._get, MAX_SIDE)
        """The videos of tasks that hold whole ones."""

    def frame(self, task: TaskRecord, field: str) -> Frame:
        """The frame of a task; raises MediaError where it cannot be had."""
        self._alive()
        url = value_at(task.data, field)
        if not isinstance(url, str) or not url:
            raise MediaError(f"Task {task.id} has {url!r} in data field '{field}', expected the address of an image.")

        def read() -> Frame:
            image, (width, height) = self._media.image(url, task.id, MAX_SIDE)
            return Frame(task.id, image, width, height, order_of(task.data))

        return self._get((task.id, url), read)

    def select(self, tasks: Sequence[TaskRecord], field: str) -> tuple["FrameSequence", dict[int, str]]:
        """(frames of the tasks whose media can be had, {task: what is wrong} for the others).

        Downloads what is not here yet, several at once, and decodes every image one time to know.
        """
        with ThreadPoolExecutor(FETCHERS, thread_name_prefix="media") as pool:
            outcomes = list(pool.map(lambda task: self._size(task, field), tasks))
        sizes = {t.id: size for t, size in zip(tasks, outcomes, strict=True) if not isinstance(size, str)}
        problems = {t.id: why for t, why in zip(tasks, outcomes, strict=True) if isinstance(why, str)}
        return FrameSequence(self, [t for t in tasks if t.id in sizes], field, sizes), problems

    def _size(self, task: TaskRecord, field: str) -> tuple[int, int] | str:
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
        frame = read()
        with self._lock:
            self._kept[key] = frame
            size = sum(f.image.nbytes for f in self._kept.values())
            while size > self._limit and len(self._kept) > 1:
                size -= self._kept.popitem(last=False)[1].image.nbytes
        return frame


class FrameSequence(Sequence[Frame]):
    """Frames of a group in the order of its time where it has one, else of its tasks; decoded when asked for."""

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
        return self._store.frame(self._tasks[index], self._field)

    def __iter__(self) -> Iterator[Frame]:
        return (self._store.frame(task, self._field) for task in self._tasks)


def _decoded(width: int, height: int) -> int:
    """Bytes of a frame of this original size."""
    scale = min(1.0, MAX_SIDE / max(width, height, 1))
    return round(width * scale) * round(height * scale) * 3
