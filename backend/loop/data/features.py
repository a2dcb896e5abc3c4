"""Image embeddings of a group's frames by the frozen backbone, made once and kept in the registry."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from backend.cancel import NEVER, CancelToken
from backend.errors import LabelingConfigError
from backend.loop.data.acquisition import Places, places
from backend.loop.data.frames import FrameStore
from backend.loop.data.grouping import order_of
from backend.loop.data.pages import addresses, first
from backend.loop.services import Services
from backend.types import Frame, Media
from model_registry import ProjectRecord, TaskRecord

LONGEST_URL = 1000
"""Characters of a URL that are kept as they are."""

Vector = NDArray[np.float16]
Vectors = NDArray[np.float32]
FRAMES_PER_BATCH = 64
"""Frames whose features are kept together: a few seconds' work, of which an interruption loses what was begun."""


def embed_frames(
    services: Services,
    project: ProjectRecord,
    tasks: Sequence[TaskRecord],
    frames: FrameStore,
    cancel: CancelToken = NEVER,
) -> None:
    """Make the features of those of the tasks that have none yet, or those of a picture that was replaced since; frames
    that cannot be had are left out.

    `cancel` is asked for each frame. What it raises passes through, and what was made before is kept: thousands of
    frames take minutes, and whoever comes back goes on from there.
    """
    from backend.learning.network import features  # torch: only a worker and the command line look

    field = _image_field(services, project)
    if field is None:
        return
    sources = _sources(services, tasks, field)
    known = services.registry.features.sources(project.id, sources)
    urls = {task.id: str(addresses(task.data, field)[0]) for task in tasks if task.id in sources}
    wanted = [
        first(task, field)
        for task in tasks
        if task.id in sources and not _is_of(known.get(task.id), sources[task.id], frames.stamp(urls[task.id]))
    ]
    for start in range(0, len(wanted), FRAMES_PER_BATCH):
        usable, _ = frames.select(wanted[start : start + FRAMES_PER_BATCH], field)
        if not len(usable):
            continue
        seen: list[int] = []
        found = features.vectors(_noted(usable, cancel, seen), services.settings.backbone)
        made = {
            task: (f"{sources[task]}\n{frames.stamp(urls[task])}", vector)
            for task, vector in zip(seen, found, strict=True)
            if task not in frames.remarks
        }
        services.registry.features.record(project.id, made)


def _noted(frames: Iterable[Frame], cancel: CancelToken, seen: list[int]) -> Iterator[Frame]:
    for frame in frames:
        cancel.check()
        seen.append(frame.task)
        yield frame


def _is_of(made_of: str | None, source: str, content: str) -> bool:
    """Whether features were made of this source, and of this content as far as both are known."""
    if made_of is None:
        return False
    before, _, known = made_of.partition("\n")
    return before == source and (not known or not content or known == content)


def places_of(services: Services, project: ProjectRecord, tasks: Sequence[TaskRecord]) -> Places:
    """Where the frames of these tasks lie, by what is known of them; see `acquisition.places`."""
    field = _image_field(services, project)
    known = services.registry.features.of(project.id, _sources(services, tasks, field)) if field else {}
    return places([order_of(task.data) for task in tasks], [known.get(task.id) for task in tasks])


def sample_features(
    services: Services, project: ProjectRecord, group: str, few: int, frames: FrameStore | None
) -> Vectors | None:
    """(n, d): what is seen in a few frames of a group, evenly spread; with `frames` they are looked at where none is
    known yet. None where nothing is known."""
    field = _image_field(services, project)
    if field is None:
        return None
    tasks = services.registry.tasks.of_group(project.id, group)
    chosen = [tasks[i] for i in sorted({round(float(i)) for i in np.linspace(0, len(tasks) - 1, few)})] if tasks else []
    sources = _sources(services, chosen, field)
    known = services.registry.features.of(project.id, sources)
    if not known and frames is not None:
        embed_frames(services, project, chosen, frames)
        known = services.registry.features.of(project.id, sources)
    return np.stack([vector.astype(np.float32) for vector in known.values()]) if known else None


def _image_field(services: Services, project: ProjectRecord) -> str | None:
    """The data field of the images that the project labels; None where it labels something else."""
    try:
        controls = services.config(project).controls
    except LabelingConfigError:
        return None
    return next((c.media_field for c in controls if c.media is Media.IMAGE), None)


def _sources(services: Services, tasks: Sequence[TaskRecord], field: str) -> dict[int, str]:
    """{task: what its features are made of}; other media or another backbone make others."""
    backbone = services.settings.backbone
    firsts = {task.id: addresses(task.data, field)[0] for task in tasks}
    urls = {id_: url for id_, url in firsts.items() if isinstance(url, str) and url}
    return {task: f"{backbone} {_brief(url)}" for task, url in urls.items()}


def _brief(url: str) -> str:
    """A URL as a part of a source: a `data:` URI has megabytes and may have lines."""
    return url if len(url) <= LONGEST_URL and url.isprintable() else sha256(url.encode(errors="replace")).hexdigest()
