"""The project model: for each control one network over all labelled groups of the project.

Groups without a version of their own start from it, and have its predictions until they are labelled. And it is the
baseline "one model for the whole project": how it does in each group is kept beside the micro-models' scores.
It belongs to the group of kind PROJECT, which holds no task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog

from backend.cancel import CancelToken
from backend.errors import LeaseLost, MicroModelsError, TrainingInterrupted
from backend.learning import methods
from backend.learning.fitting.recipe import HeadRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.method import MicroModel
from backend.loop.data.frames import FrameStore
from backend.loop.data.points import resolved, told_apart
from backend.loop.data.project_news import break_off
from backend.loop.data.training_set import build_training_set, newest_labels
from backend.loop.data.weights import weights_of
from backend.loop.review.reviewing import accepted
from backend.loop.services import Services
from backend.loop.train.initialization import Initialization, is_fit, project_model_of
from backend.loop.train.promotion import label_hash, split_seen
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, LabeledFrame, Media, Prediction, Quality, Start, Weights
from model_registry import GroupRecord, Lease, ProjectRecord, VersionRecord

PER_GROUP = 8
"""Labelled frames of one group at most: it learns what groups share, not one of them by heart."""
MAX_FRAMES = 60
"""Labelled frames in all: bounds time, and with `frame_cache_mb` memory."""
FEWEST_GROUPS = 2
"""Labelled groups from which on there is one: that of a single one is its own micro-model."""
STEPS_FACTOR = 2.5
"""Of the steps of a group's training: about 250 steps on seven groups are what lifted the look-alikes in the prototype."""
LABEL_GROWTH = 1.5
"""It is trained again when the project has so many times the labels that it had at the last time."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Labelled frames of one group."""

    group: str
    labeled: tuple[LabeledFrame, ...]


def train_project_models(
    services: Services, project: ProjectRecord, group: GroupRecord, lease: Lease, cancel: CancelToken
) -> list[str]:
    """Train the project model of each control that has news enough; what failed, in words.

    The caller holds the lease of `group`, which stands for the project. `cancel` is asked often, and ends it by what it raises.
    """
    groups = [g for g in services.registry.groups.all(project.id) if g.trained_labels]
    available = sum(g.labelled for g in groups)
    if len(groups) < FEWEST_GROUPS or services.settings.training == "manual":
        return []
    failures = []
    for control in services.config(project).require():
        if control.media is not Media.IMAGE or not is_due(services, project, control, available):
            continue
        try:
            _Training(services, project, group, lease, cancel, control).train([g.name for g in groups], available)
        except (TrainingInterrupted, LeaseLost):
            raise
        except Exception as error:  # of this control: the others have theirs
            expected, name = isinstance(error, MicroModelsError), control.from_name
            log.error(
                "the project model failed", project=project.id, control=name, why=str(error), exc_info=not expected
            )
            failures.append(f"{control.from_name}: {error}")
    return failures


def is_due(services: Services, project: ProjectRecord, control: Control, available: int) -> bool:
    """Whether there are enough more labels than the last one knew of, or none that fits."""
    last = services.registry.versions.project_models(project.id).get(control.from_name)
    if last is None or not is_fit(services, last, control):
        return True
    return available >= LABEL_GROWTH * int(last.metrics.get("available", 0))


def shared_out(labelled: Mapping[str, Sequence[int]], each: int, most: int) -> dict[str, list[int]]:
    """Which labelled tasks to learn from: turn by turn one of each group, until there are `most`. Pure.

    Of a group at most `each`, evenly spread over its tasks; of more groups than `most`, evenly spread ones.
    """
    names = _spread(sorted(name for name, tasks in labelled.items() if tasks), most)
    kept: dict[str, list[int]] = {name: [] for name in names}
    room = {name: min(each, len(labelled[name])) for name in names}
    share, left = dict.fromkeys(names, 0), most
    while left and any(share[name] < room[name] for name in names):
        for name in names:
            if left and share[name] < room[name]:
                share[name] += 1
                left -= 1
    return kept | {name: _spread(sorted(labelled[name]), count) for name, count in share.items()}


class _Training:
    """One training of the project model of one control."""

    def __init__(
        self,
        services: Services,
        project: ProjectRecord,
        group: GroupRecord,
        lease: Lease,
        cancel: CancelToken,
        control: Control,
    ) -> None:
        self._services, self._project, self._group, self._lease = services, project, group, lease
        self._cancel, self._control = cancel, control

    def train(self, groups: Sequence[str], available: int) -> None:
        """Train on labelled frames of these groups, look how it does in each, and let it serve."""
        services, versions, settings = self._services, self._services.registry.versions, self._services.settings
        recipe = methods.recipe_for(self._control, settings.backbone, settings.effort * STEPS_FACTOR)
        material = self._material(groups, recipe.accepted_weight)
        labeled = [frame for group in material for frame in group.labeled]
        if len(material) < FEWEST_GROUPS:
            return
        self._control = resolved(self._control, labeled)
        recipe = methods.recipe_for(self._control, settings.backbone, settings.effort * STEPS_FACTOR)
        before = project_model_of(services, self._project, self._control)
        weights = weights_of(services, before) if before else None
        origin = (
            Initialization(Start.SERVING, before, weights) if before and weights else Initialization(Start.BACKBONE)
        )
        version = versions.begin(
            self._lease, self._control.from_name, self._control.head,
            label_revision=self._group.wanted, labels=len(labeled), fingerprint=control_fingerprint(self._control),
            recipe=asdict(recipe), previous=origin.version.id if origin.version else None,
            start=str(origin.kind),
        )  # fmt: skip
        work = f"the training of the network over {len(material)} groups ({len(labeled)} labelled frames)"
        try:
            services.registry.groups.note_work(self._lease, work)
            self._train(version, origin, recipe, material, available)
        except BaseException as error:
            break_off(services, version, self._lease.owner, error)
            raise
        services.registry.groups.note_work(self._lease, None)

    def _train(
        self,
        version: VersionRecord,
        origin: Initialization,
        recipe: HeadRecipe,
        material: Sequence[Material],
        available: int,
    ) -> None:
        registry, labeled = self._services.registry, [frame for group in material for frame in group.labeled]
        labeled, _ = told_apart(self._control, labeled)
        before, start = origin.version, origin.weights
        older = self._unseen(before, start, material) if before and start else {}
        given = TrainingInput(
            labeled=labeled, labels=self._control.labels, start=start, device=self._services.settings.device,
            seed=self._services.seed + version.id, cancel=self._cancel,
        )  # fmt: skip
        trained = methods.train(self._control, given, recipe)
        learnt = self._scores(trained.weights, material)
        metrics: dict[str, Any] = {
            **trained.metrics, "available": available, "groups": _by_group(before, older, learnt),
            "labelled": _mean(learnt), "unseen": _mean(older),
            "tasks": [f.frame.task for f in labeled], "label_hashes": {str(f.frame.task): label_hash(f) for f in labeled},
        }  # fmt: skip
        self._cancel.check()
        artifact = registry.artifacts.write(trained.weights)
        registry.versions.promote(version.id, self._lease.owner, artifact, metrics, trained.seconds)
        log.info(
            "the project model is trained", project=self._project.id, control=self._control.from_name,
            groups=len(material), labels=len(labeled), seconds=round(trained.seconds, 1),
        )  # fmt: skip

    def _material(self, groups: Sequence[str], weight: float) -> list[Material]:
        """The labelled frames to learn from, as many as fit into memory; times of different clips mean nothing together."""
        registry, settings = self._services.registry, self._services.settings
        labels = {name: registry.labels.of_group(self._project.id, name) for name in groups}
        chosen = shared_out({name: list(newest_labels(found)) for name, found in labels.items()}, PER_GROUP, MAX_FRAMES)
        room, material = settings.frame_cache_mb * 1_000_000, list[Material]()
        for name, tasks in chosen.items():
            self._cancel.check()
            frames = FrameStore(self._services.media(self._project), settings.frame_cache_mb, self._cancel)
            mine = [t for t in registry.tasks.of_group(self._project.id, name) if t.id in set(tasks)]
            own_labels = [label for label in labels[name] if label.task in set(tasks)]
            untouched = accepted(self._services, self._project.id, name, own_labels)
            training_set = build_training_set(self._control, mine, own_labels, frames, untouched, weight)
            room -= sum(frame.frame.image.nbytes for frame in training_set.labeled)
            if room < 0:
                break
            if training_set.labeled:
                timeless = (
                    replace(labeled, frame=replace(labeled.frame, order=None)) for labeled in training_set.labeled
                )
                material.append(Material(name, tuple(timeless)))
        return material

    def _unseen(self, before: VersionRecord, weights: Weights, material: Sequence[Material]) -> dict[str, Quality]:
        """How the one before does in each group on labels that it had never seen."""
        fresh = [
            Material(group.group, tuple(group.labeled[i] for i in split_seen(group.labeled, before.metrics)[1]))
            for group in material
        ]
        return self._scores(weights, [group for group in fresh if group.labeled])

    def _scores(self, weights: Weights, material: Sequence[Material]) -> dict[str, Quality]:
        """{group: how good a network is in these frames of it}."""
        model = methods.load(methods.for_other_group(weights), self._services.settings.device)
        return {
            group.group: methods.evaluate(self._control, self._look(model, group.labeled), group.labeled)
            for group in material
        }

    def _look(self, model: MicroModel, labeled: Sequence[LabeledFrame]) -> list[Prediction]:
        boxes = {f.frame.task: f.instances for f in labeled} if self._control.hangs_on else None
        predictions = list[Prediction]()
        for frame in labeled:
            self._cancel.check()
            predictions += model.predict([frame.frame], (), boxes)
        return predictions


def _by_group(
    before: VersionRecord | None, older: Mapping[str, Quality], learnt: Mapping[str, Quality]
) -> dict[str, dict[str, Any]]:
    """{group: {"labelled": on labels that it learnt, "unseen": the last figure on labels that it, or one before it,
    had never seen}}."""
    known = {
        name: scores.get("unseen") for name, scores in (before.metrics.get("groups", {}) if before else {}).items()
    }
    known |= {name: asdict(quality) for name, quality in older.items() if quality.score is not None}
    return {
        name: {"labelled": asdict(learnt[name]) if name in learnt else None, "unseen": known.get(name)}
        for name in sorted({*learnt, *known})
    }


def _mean(scores: Mapping[str, Quality]) -> dict[str, Any] | None:
    """Over groups, each counting alike, as a group with one label is as much a group."""
    known = [quality for quality in scores.values() if quality.score is not None]
    if not known:
        return None
    mean = sum(quality.score or 0.0 for quality in known) / len(known)
    return asdict(Quality(known[0].measure, sum(quality.frames for quality in known), mean))


def _spread(values: Sequence[Any], count: int) -> list[Any]:
    """`count` of the values, evenly spread."""
    if count >= len(values):
        return list(values)
    return [values[int((i + 0.5) * len(values) / count)] for i in range(count)]
