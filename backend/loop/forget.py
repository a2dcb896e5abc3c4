"""Forgetting a project: what a person orders, and what nothing does by itself."""

from contextlib import suppress

import structlog

from backend.errors import ArtifactError, RegistryError
from backend.loop.services import Services

log = structlog.get_logger(__name__)


def forget_project(services: Services, number: int) -> int:
    """Delete all that is known of a project, and the weights that no other one needs; returns how many files went.

    Label Studio is not asked and keeps all it has. Raises RegistryError for a project that is not known.
    """
    registry = services.registry
    if registry.projects.get(number) is None:
        known = ", ".join(str(project.id) for project in registry.projects.all()) or "none"
        raise RegistryError(f"Project {number} is not known here, so there is nothing to forget. Known are: {known}.")
    mine = registry.retention.artifacts(number)
    registry.projects.delete(number)
    # The records first: weights without a record cost disk, a record without weights could not serve.
    removed = 0
    for uri in mine - registry.retention.artifacts():
        with suppress(ArtifactError):  # what is left, the upkeep collects
            removed += registry.artifacts.remove(uri)
    log.info("project forgotten", project=number, artifacts=removed)
    return removed
