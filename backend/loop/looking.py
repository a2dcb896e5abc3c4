"""What a frozen network sees in a group's frames, made once and kept in the registry."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from backend.errors import LabelingConfigError
from backend.loop.frames import FrameStore
from backend.loop.grouping import order_of
from backend.loop.sampling import Places, places
from backend.loop.services import Services
from backend.types import Frame, Media
from model_registry import ProjectRecord, TaskRecord

LONGEST_URL = 1000
"""Characters of a URL that are kept as they are."""

Vector = NDArray[np.float16]
Vectors = NDArray[np.float32]


def look(services: Services, project: ProjectRecord, tasks: Sequence[TaskRecord], frames: FrameStore) -> None:
    """Make the features of those of the tasks that have none yet, or those of a picture that was replaced since; frames
    that cannot be had are left out."""
    from backend.learning import features  # torch: only a worker and the command line look

    field = _image_field(services, project)
    if field is None:
        return
    sources = _sources(services, tasks, field)
    known = services.registry.features.sources(sources)
    contents = {t.id: frames.stamp(t.data[field]) for t in tasks if t.id in sources}
    wanted = [t for t in tasks if t.id in sources and not _is_of(known.get(t.id), sources[t.id], contents[t.id])]
    usable, _ = frames.select(wanted, field)
    if not len(usable):
        return
    seen: list[int] = []

    def noted() -> Iterator[Frame]:
        for frame in usable:
            seen.append(frame.task)
            yield frame

    found = features.vectors(noted(), services.settings.backbone)
    made = {t.id: f"{sources[t.id]}\n{frames.stamp(t.data[field])}" for t in wanted if t.id not in frames.remarks}
    services.registry.features.record(
        {task: (made[task], vector) for task, vector in zip(seen, found, strict=True) if task in made}
    )


def _is_of(made_of: str | None, source: str, content: str) -> bool:
    """Whether features were made of this source, and of this content as far as both are known."""
    if made_of is None:
        return False
    before, _, known = made_of.partition("\n")
    return before == source and (not known or not content or known == content)


def places_of(services: Services, project: ProjectRecord, tasks: Sequence[TaskRecord]) -> Places:
    """Where the frames of these tasks lie, by what is known of them; see `sampling.places`."""
    field = _image_field(services, project)
    known = services.registry.features.of(_sources(services, tasks, field)) if field else {}
    return places([order_of(task.data) for task in tasks], [known.get(task.id) for task in tasks])


def sight(
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
    known = services.registry.features.of(sources)
    if not known and frames is not None:
        look(services, project, chosen, frames)
        known = services.registry.features.of(sources)
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
    urls = {t.id: t.data[field] for t in tasks if isinstance(t.data.get(field), str) and t.data[field]}
    return {task: f"{backbone} {_brief(url)}" for task, url in urls.items()}


def _brief(url: str) -> str:
    """A URL as a part of a source: a `data:` URI has megabytes and may have lines."""
    return url if len(url) <= LONGEST_URL and url.isprintable() else sha256(url.encode(errors="replace")).hexdigest()
