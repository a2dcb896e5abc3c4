"""Initialization: what the training of a micro-model starts from, the best source at hand.

The group's serving version; what somebody imported for it; the serving version of the nearest sibling; the project's model;
the bare backbone. What was imported since the serving version goes before that. A sibling
is another group of the project whose micro-model of the same control answers to the same part of the labeling config on
the same backbone, that looks alike, whose version is not poor, and does not do poorly on this group's labels either: a
camera may show the same place while other people are meant.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.learning import methods
from backend.loop.data.features import sample_features
from backend.loop.data.frames import FrameStore
from backend.loop.data.weights import weights_of
from backend.loop.review.difficulty import POOR_SCORE
from backend.loop.services import Services
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, Media, Start, Weights
from model_registry import GroupRecord, ProjectRecord, VersionRecord

MAX_DISTANCE = 1.2
"""`feature_distance` up to which two groups look alike. Measured on our evaluation data: two halves of one clip are 0.6 to
1.1 apart, hearts of two patients 0.6, two clips of one cage 0.3, and different scenes 1.4 or more."""
NEAREST_GROUPS = 5
"""Siblings that are thought of: each is loaded and looks at the labelled frames."""
SAMPLED_FRAMES = 8
"""Frames of a group that are compared: their mean moves little with more."""
MOST_VERSIONS = 100
"""Serving versions that are compared, the newest: bounds the time in projects of thousands of groups."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another group's serving version, and how far that group is."""

    version: VersionRecord
    distance: float
    """See `feature_distance`; infinite where it is not known."""
    poor: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Initialization:
    """What a training starts from."""

    kind: Start
    version: VersionRecord | None = None
    weights: Weights | None = None

    @property
    def words(self) -> str:
        """As a version's `start` tells it."""
        return self.version.start if self.version and self.kind is Start.IMPORTED else str(self.kind)


def ranked_sources(
    serving: VersionRecord | None, neighbours: Sequence[Neighbour], project_model: VersionRecord | None
) -> list[tuple[Start, VersionRecord]]:
    """The versions that a training may start from, the best first. Pure; `project_model` is the one over all its groups."""
    near = sorted((n for n in neighbours if n.distance <= MAX_DISTANCE and not n.poor), key=lambda n: n.distance)[
        :NEAREST_GROUPS
    ]
    sources = [(Start.SERVING, serving), *((Start.SIBLING, n.version) for n in near), (Start.PROJECT, project_model)]
    return [(kind, version) for kind, version in sources if version is not None]


def feature_distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """How far two groups are by what is seen in a few frames of each, (n, d) and (m, d).

    The distance of their means, in units of how far a frame is from the mean of its own group.
    """
    if first.shape[1:] != second.shape[1:]:
        return float("inf")
    between = float(np.linalg.norm(first.mean(0) - second.mean(0)))
    within = float(np.sqrt((first.var(0).sum() + second.var(0).sum()) / 2))
    return between / within if within > 0 else (0.0 if between == 0 else float("inf"))


def held_out_score(version: VersionRecord, history: Sequence[VersionRecord]) -> float | None:
    """The version's score on frames that it had never seen; of its predecessor's where that learnt more than half as
    many labels; None where neither is known. `history` are the versions of its micro-model."""
    scores = [_score(v, "unseen") for v in history if v.previous == version.id]
    for score in scores:
        if score is not None:
            return score
    before = next((v for v in history if v.id == version.previous), None)
    return _score(version, "unseen") if before is not None and 2 * before.labels > version.labels else None


def is_poor(version: VersionRecord, history: Sequence[VersionRecord]) -> bool:
    """Whether the version does badly, as far as that is known."""
    known = [score for score in (held_out_score(version, history), _score(version, "labelled")) if score is not None]
    return bool(known) and min(known) < POOR_SCORE


def as_start(weights: Weights, kind: Start) -> Weights:
    """The weights as a start of this kind; the recipe says what follows it."""
    return replace(weights, metadata={**weights.metadata, "start": str(kind)})


def find_initialization(
    services: Services,
    project: ProjectRecord,
    group: str,
    control: Control,
    frames: FrameStore,
    fits_labels: Callable[[Weights], bool],
) -> Initialization:
    """The best start at hand for a group's training without weights of its own; one whose weights cannot be had is passed
    over, and so is a sibling that does not suit the group's labels."""
    if methods.method_for(control).transfers:
        for kind, version in transfer_candidates(services, project, group, control, frames):
            weights = weights_of(services, version)
            if weights is not None and (kind is not Start.SIBLING or fits_labels(weights)):
                return Initialization(kind, version, as_start(weights, kind))
    return Initialization(Start.BACKBONE)


def imported_start(
    services: Services, group: GroupRecord, control: Control, since: VersionRecord | None
) -> Initialization | None:
    """What somebody imported for a micro-model last; None where there is nothing, it does not fit any more, or it was there
    before the version `since`."""
    version = services.registry.imports.newest(group.project, group.name, control.from_name)
    if version is None or not is_fit(services, version, control) or (since is not None and since.id > version.id):
        return None
    weights = weights_of(services, version)
    if weights is None or not methods.method_for(control).has_trained(weights):
        return None
    return Initialization(Start.IMPORTED, version, as_start(weights, Start.IMPORTED))


def transfer_candidates(
    services: Services, project: ProjectRecord, group: str, control: Control, frames: FrameStore
) -> list[tuple[Start, VersionRecord]]:
    """What a group without a version of its own can have from the other groups of the project, the best first."""
    if control.media is not Media.IMAGE:
        return []
    fingerprint = control_fingerprint(control)
    alike = services.registry.versions.serving_alike(project.id, control.from_name, fingerprint, MOST_VERSIONS)
    others = [v for v in alike if v.group != group and is_fit(services, v, control)]
    if not others:
        return []
    project_model = project_model_of(services, project, control)
    if project_model is None and len(others) == 1 and not _poor(services, others[0]):
        [project_model] = others  # one network over all labelled groups of the project
    return ranked_sources(None, list(_neighbours(services, project, group, others, frames)), project_model)


def project_model_of(services: Services, project: ProjectRecord, control: Control) -> VersionRecord | None:
    """The project model as it serves, where it fits the labeling config and the backbone and is not poor."""
    version = services.registry.versions.project_models(project.id).get(control.from_name)
    return version if version and is_fit(services, version, control) and not _poor(services, version) else None


def is_fit(services: Services, version: VersionRecord, control: Control) -> bool:
    """Whether the version is there, and was trained for what the labeling config and the settings ask for now."""
    same_backbone = version.recipe.get("backbone") == services.settings.backbone
    return version.artifact is not None and same_backbone and version.fingerprint == control_fingerprint(control)


def _neighbours(
    services: Services, project: ProjectRecord, group: str, others: Sequence[VersionRecord], frames: FrameStore
) -> Iterator[Neighbour]:
    """The groups of these versions, with their distances."""
    seen = sample_features(services, project, group, SAMPLED_FRAMES, frames)
    for version in others if seen is not None else ():
        other = sample_features(services, project, version.group, SAMPLED_FRAMES, None)
        distance = float("inf") if other is None or seen is None else feature_distance(seen, other)
        yield Neighbour(version, distance, distance <= MAX_DISTANCE and _poor(services, version))


def _poor(services: Services, version: VersionRecord) -> bool:
    return is_poor(version, services.registry.versions.history(version.project, version.group, version.control))


def _score(version: VersionRecord, of: str) -> float | None:
    score = (version.metrics.get(of) or {}).get("score")
    return None if score is None else float(score)
