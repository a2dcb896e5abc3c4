"""The weights of versions: read and tried. Where they are damaged the version serves no longer, and its group is trained.

A store that does not answer is no damage: then an error says so, and nothing changes.
"""

from typing import TYPE_CHECKING

import structlog

from backend.errors import ArtifactDamaged, MicroModelsError, WeightsUnusable
from backend.loop.services import Services
from backend.types import Weights
from model_registry import VersionRecord

if TYPE_CHECKING:
    from backend.learning.method import MicroModel

log = structlog.get_logger(__name__)


def read_and_load(services: Services, version: VersionRecord) -> "tuple[Weights, MicroModel]":
    """A version's weights, and the micro-model that they make.

    Raises ArtifactDamaged where there is none, after the version was taken out of service; ArtifactError where the store
    does not answer; TrainingError where the backbone cannot be had.
    """
    from backend.learning import methods  # torch: not before the first prediction needs it

    try:
        if version.artifact is None:
            raise ArtifactDamaged(f"Version {version.number} of group {version.group!r} has no weights any more.")
        weights = services.registry.artifacts.read(version.artifact)
        head = weights.metadata.get("head", version.head)
        if head != version.head:
            raise WeightsUnusable(
                f"The weights are of head {head!r}, expected {version.head!r}: train this group again."
            )
        return weights, methods.load(weights, services.settings.device)
    except (ArtifactDamaged, WeightsUnusable) as error:
        _take_out(services, version, str(error))
        raise ArtifactDamaged(str(error)) from error


def weights_of(services: Services, version: VersionRecord) -> Weights | None:
    """The weights of a version that others may start from; None where they cannot be had, for whatever reason."""
    try:
        return read_and_load(services, version)[0]
    except MicroModelsError as error:
        log.warning("a start is passed over", project=version.project, group=version.group, why=str(error))
        return None


def _take_out(services: Services, version: VersionRecord, why: str) -> None:
    """Damaged weights are no serving version; has the group trained again where it was one."""
    if not services.registry.versions.discard(
        version.id, version.artifact, f"its weights are damaged, so it is trained again from the start: {why}"
    ):
        return
    log.error(
        "weights are damaged; the version serves no longer", project=version.project, group=version.group,
        control=version.control, version=version.number, why=why,
    )  # fmt: skip
    services.queue.enqueue_group(version.project, version.group)
