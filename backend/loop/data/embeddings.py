"""Image embeddings of segment-anything's encoder: made by a worker before somebody points, kept in the media cache."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import structlog
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.cancel import NEVER, CancelToken
from backend.errors import CheckpointError, MediaError
from backend.loop.data.checkpoint import checkpoint_here, fetched_checkpoint
from backend.loop.data.frames import FrameStore
from backend.loop.data.memory import free_bytes
from backend.loop.data.pages import spread
from backend.loop.services import Services
from backend.studio.disk_cache import DiskCache
from backend.studio.prompts import smart_tools
from backend.studio.task_data import value_at
from backend.types import Frame, Media
from model_registry import ModelCache, ProjectRecord, TaskRecord

if TYPE_CHECKING:
    from backend.learning.prompting.sam import SegmentAnything

FRAMES_AHEAD = 24
"""Frames that are looked at before somebody asks: half a minute each on two cores, and who labels goes on meanwhile."""

NAME = "embedding"
"""Of the one array in a file."""

Embedding = NDArray[np.float16]

log = structlog.get_logger(__name__)


class Embeddings:
    """Embeddings of frames by checkpoint, and by address and content of their images; for any number of processes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings
        self._cache = DiskCache(settings.folder / "media", settings.media_cache_mb * 1_000_000)
        self._decoders: ModelCache[SegmentAnything | None] = ModelCache(1 << 40)  # there is but one

    def decoder(self) -> "SegmentAnything | None":
        """The checkpoint without its encoder, where it is on this machine and usable; why it is not is told once."""
        path = checkpoint_here(self._services.settings)
        return None if path is None else self._decoders.get(_name(path), lambda: (self._load(path, encoder=False), 0))

    def find(self, url: str, stamp: str) -> Embedding | None:
        """The embedding of an image; None where there is none yet."""
        checkpoint = checkpoint_here(self._services.settings)
        if checkpoint is None:
            return None
        path = self._cache.path_of(_key(checkpoint, url, stamp))
        try:
            found: Embedding = load(path.read_bytes())[NAME]
            with suppress(OSError):
                os.utime(path)  # used just now
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, LookupError) as error:
            log.warning("a damaged embedding goes", why=str(error))
            path.unlink(missing_ok=True)
            return None
        return found

    def make(self, tasks: Sequence[TaskRecord], field: str, frames: FrameStore, cancel: CancelToken) -> int:
        """Embed the first of these tasks' frames that have no embedding yet; how many that were.

        One encoder runs at a time on a machine, and none is kept in memory. What `cancel` raises passes through, between
        two frames. Raises CheckpointError where the checkpoint cannot be had.
        """
        path, made = fetched_checkpoint(self._services.settings), 0
        if path is None:
            return 0
        urls = {task.id: str(value_at(task.data, field) or "") for task in tasks[:FRAMES_AHEAD]}
        lacking = [
            t for t in tasks[:FRAMES_AHEAD] if urls[t.id] and self.find(urls[t.id], frames.stamp(urls[t.id])) is None
        ]
        with _alone(self._services) as free:
            sam = self._load(path, encoder=True) if free and lacking else None
            for task in lacking if sam is not None else ():
                cancel.check()
                with suppress(MediaError):
                    self._keep(path, sam, frames.frame(task, field), urls[task.id], frames)
                    made += 1
        return made

    def _keep(self, path: Path, sam: "SegmentAnything | None", frame: Frame, url: str, frames: FrameStore) -> None:
        if sam is not None:
            embedding = sam.embed(frame)
            key = _key(path, url, frames.stamp(url))
            content = save({NAME: np.ascontiguousarray(embedding)})

            def fill(file: BinaryIO) -> None:
                file.write(content)

            self._cache.get(key, fill)

    def _load(self, path: Path, *, encoder: bool) -> "SegmentAnything | None":
        from backend.learning.prompting import sam  # torch: not before somebody names a checkpoint

        try:
            return sam.load(path, self._services.settings.device, encoder=encoder, room=free_bytes())
        except CheckpointError as error:
            log.error("prompts are answered without segment-anything", why=str(error))
            return None


def is_wanted(services: Services, project: ProjectRecord) -> bool:
    """Whether somebody may ask for what an encoder makes of the project's frames."""
    return bool(services.settings.sam_checkpoint and smart_tools(project.config))


def embed_ahead(
    services: Services,
    project: ProjectRecord,
    tasks: Sequence[TaskRecord],
    frames: FrameStore,
    cancel: CancelToken = NEVER,
) -> None:
    """Embed the frames that will most likely be handed out next: those without a label, the least certain first."""
    if not is_wanted(services, project):
        return
    control = next((c for c in services.config(project).controls if c.media is Media.IMAGE), None)
    labelled = services.registry.labels.tasks(project.id).values()
    scores = services.registry.ledger.scores(project.id, [task.id for task in tasks])
    waiting = [task for task in tasks if task.id not in labelled]
    if control is not None:
        order = sorted(waiting, key=lambda task: (scores.get(task.id, 0.0), task.id))
        Embeddings(services).make(spread(order, control), control.media_field, frames, cancel)


def embed_unlabelled(services: Services, project: ProjectRecord, cancel: CancelToken) -> list[str]:
    """The same for groups that nobody has labelled yet, where prompts help most; what went wrong, in words."""
    if not is_wanted(services, project):
        return []
    tasks = list[TaskRecord]()
    for group in services.registry.groups.all(project.id):
        tasks += services.registry.tasks.of_group(project.id, group.name)[: FRAMES_AHEAD - len(tasks)]
    frames = FrameStore(services.media(project), services.settings.frame_cache_mb, cancel)
    try:
        embed_ahead(services, project, tasks, frames, cancel)
    except CheckpointError as error:
        return [str(error)]
    return []


def _name(checkpoint: Path) -> str:
    """Of another checkpoint embeddings are of no use."""
    return f"{checkpoint.name} {checkpoint.stat().st_size}"


def _key(checkpoint: Path, url: str, stamp: str) -> str:
    return f"embedding of {_name(checkpoint)}\n{stamp}\n{url}"


@contextmanager
def _alone(services: Services) -> Iterator[bool]:
    """Whether no other process of this machine encodes; until the end none will."""
    with (services.settings.folder / "encoder.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
