"""Idle jobs: what is done for a project as a whole when no group needs the worker.

A group of kind PROJECT stands for the project in the registry: it becomes due when there is news, comes after all groups
of tasks, and its lease keeps a second worker from doing the same.
"""

from backend.cancel import CancelToken
from backend.errors import LabelingConfigError, TrainingError
from backend.loop.data.embeddings import embed_unlabelled
from backend.loop.predict.transfer import predict_without_labels
from backend.loop.services import Services
from backend.loop.train.project_model import train_project_models
from backend.loop.worker.preemption import Preemption
from model_registry import GroupRecord, Lease


def run_idle_jobs(services: Services, group: GroupRecord, lease: Lease, cancel: CancelToken) -> None:
    """Do what there is to do for the project that a group stands for. The caller holds the lease.

    Raises TrainingInterrupted as soon as a group needs the worker; TrainingError says what could not be done.
    """
    registry, project = services.registry, services.registry.projects.require(group.project)
    cancel = cancel.also(Preemption(services, lease.owner).check)
    try:
        services.config(project).require()
    except LabelingConfigError:
        failures = list[str]()  # told where people look; a sweep follows when it changes
    else:
        failures = predict_without_labels(services, project, lease.owner, cancel)
        failures += train_project_models(services, project, group, lease, cancel)
        failures += predict_without_labels(services, project, lease.owner, cancel)
        failures += embed_unlabelled(services, project, cancel)
    if failures:
        raise TrainingError("; ".join(dict.fromkeys(failures)))
    registry.groups.mark_trained(lease, group.wanted, 0)
    registry.groups.mark_published(lease, group.wanted)
