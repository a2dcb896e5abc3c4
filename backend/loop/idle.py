"""What is done for a project as a whole when no group needs the worker: proposals, and the project's parent.

The project's common group stands for it in the registry: it is called when there is news, comes after all groups of
tasks, and its lease keeps a second worker from doing the same.
"""

from collections.abc import Callable

from backend.errors import LabelingConfigError, TrainingError
from backend.loop.data.embeddings import embed_unlabelled
from backend.loop.predict.transfer import propose
from backend.loop.services import Services
from backend.loop.train.project_model import train_parents
from backend.loop.worker.watch import Watch
from model_registry import COMMON, GroupRecord


def spend(services: Services, common: GroupRecord, owner: str, stopped: Callable[[], bool]) -> None:
    """Do what there is to do for a project. The caller holds the lease of its common group.

    Raises TrainingInterrupted as soon as a group needs the worker; TrainingError says what could not be done.
    """
    registry, alive = services.registry, Watch(services, owner, stopped)
    project = registry.projects.require(common.project)
    try:
        services.config(project).require()
    except LabelingConfigError:
        failures = list[str]()  # told where people look; a sweep follows when it changes
    else:
        failures = propose(services, project, owner, alive)
        failures += train_parents(services, project, common, owner, alive)
        failures += propose(services, project, owner, alive)
        failures += embed_unlabelled(services, project, alive)
    if failures:
        raise TrainingError("; ".join(dict.fromkeys(failures)))
    registry.groups.mark_trained(project.id, COMMON, owner, common.wanted, 0)
    registry.groups.mark_published(project.id, COMMON, owner, common.wanted)
