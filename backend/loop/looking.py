"""What a frozen network sees in a group's frames, made once and kept in the registry."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.errors import LabelingConfigError
from backend.loop.frames import FrameStore
from backend.loop.grouping import order_of
from backend.loop.sampling import Places, places
from backend.loop.services import Services
from backend.types import Frame, Media
from model_registry import ProjectRecord, TaskRecord

Vector = NDArray[np.float16]
Vectors = NDArray[np.float32]


def look(services: Services, project: ProjectRecord, tasks: Sequence[TaskRecord], frames: FrameStore) -> None:
    """Make the features of those of the tasks that have none yet; frames that cannot be had are left out."""
    from backend.learning import features  # torch: only a worker and the command line look

    field = _image_field(services, project)
    if field is None:
        return
    sources = _sources(services, tasks, field)
    known = services.registry.features.of(project.id, sources)
    usable, _ = frames.select([t for t in tasks if t.id in sources and t.id not in known], field)
    if not len(usable):
        return
    seen: list[int] = []

    def noted() -> Iterator[Frame]:
        for frame in usable:
            seen.append(frame.task)
            yield frame

    found = features.vectors(noted(), services.settings.backbone)
    services.registry.features.record(
        project.id, {task: (sources[task], vector) for task, vector in zip(seen, found, strict=True)}
    )


def places_of(services: Services, project: ProjectRecord, tasks: Sequence[TaskRecord]) -> Places:
    """Where the frames of these tasks lie, by what is known of them; see `sampling.places`."""
    field = _image_field(services, project)
    known = services.registry.features.of(project.id, _sources(services, tasks, field)) if field else {}
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
    known = services.registry.features.of(project.id, sources)
    if not known and frames is not None:
        look(services, project, chosen, frames)
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
    return {t.id: f"{backbone} {t.data[field]}" for t in tasks if isinstance(t.data.get(field), str) and t.data[field]}
