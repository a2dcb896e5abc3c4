"""Retry of tasks that could not be used: a picture that came back is learnt and predicted like any other."""

import random

import structlog

from backend.errors import LabelingConfigError
from backend.loop.data.frames import FrameStore
from backend.loop.data.pages import spread, task_of
from backend.loop.data.training_set import lost_annotations
from backend.loop.data.vanished import ABSENT
from backend.loop.services import Services
from backend.types import Media
from model_registry import ProjectRecord

TASKS_PER_LOOK = 20
"""Tasks of a project that are looked at each time: a host that is away answers none of them, slowly."""
MAX_KNOWN_TASKS = 1000
"""Tasks with a problem among which they are drawn, so that the same ones do not keep the others from their turn."""

log = structlog.get_logger(__name__)


def look_again(services: Services, project: ProjectRecord) -> None:
    """Fetch some of the pictures that could not be had; those that can now are mended, and their groups woken."""
    known = services.registry.listing.problems(project.id, limit=MAX_KNOWN_TASKS)
    troubled = [task for task in known if task.problem != ABSENT]
    try:
        controls = services.config(project).controls
    except LabelingConfigError:
        return
    # What is wrong with a video is found out by reading all of it: that is left to the next training.
    if not troubled or any(control.media is not Media.IMAGE for control in controls):
        return
    some = random.Random(services.clock()).sample(troubled, min(TASKS_PER_LOOK, len(troubled)))
    frames = FrameStore(services.media(project), services.settings.frame_cache_mb)
    mended = {task.id for task in some}
    for control in {control.media_field: control for control in controls}.values():
        _, broken = frames.select(spread(some, control), control.media_field)
        mended -= {task_of(page) for page in broken}
    # A picture with a remark is used as it is, and an annotation is mended by whoever drew it: neither would be learnt better.
    mended -= {task.id for task in some if task.problem == frames.remarks.get(task.id)}
    labels = services.registry.labels.of_tasks(project.id, mended)
    mended -= {task for control in controls for task in lost_annotations(control, some, labels)}
    if mended:
        log.info("tasks can be used again", project=project.id, tasks=len(mended))
        for group in services.registry.tasks.mended(project.id, mended):
            services.queue.enqueue_group(project.id, group)
