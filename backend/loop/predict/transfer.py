"""Transfer: predictions for groups without any label, by what other groups of the project learnt. People read "proposals".

They are in Label Studio like any others, so that they are reviewed like any others, with a discounted score. The ledger
names the versions that made them, which are another group's; as soon as the group has a version of its own, they are
renewed in place. Made when no worker is needed elsewhere. Whole videos have none: what takes long is worth it for the
group's own version only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from statistics import mean

import structlog

from backend.cancel import NEVER, CancelToken
from backend.errors import LeaseLost, MicroModelsError, TrainingInterrupted
from backend.learning import methods
from backend.loop.data.features import embed_frames
from backend.loop.data.frames import FrameStore
from backend.loop.data.project_news import named
from backend.loop.data.projects import current_versions
from backend.loop.data.weights import weights_of
from backend.loop.predict.group_composition import ControlPredictor
from backend.loop.predict.publish import predicted, push
from backend.loop.services import Services
from backend.loop.train.initialization import transfer_candidates
from backend.loop.worker.lease_heartbeat import lease_heartbeat
from backend.objects.composing import in_dependency_order
from model_registry import GroupRecord, LedgerEntry, ProjectRecord, TaskRecord, VersionRecord

TRANSFER_SCORE_FACTOR = 0.5
"""What the score of such a prediction is multiplied with. Nobody has labelled what is meant in this group, so the odds are
even at best; and Label Studio, which hands out the lowest scores first, prefers groups without any label."""
GROUPS_AT_A_TIME = 20
"""Groups of a project that have them at a time, the first by name: more than people get to before the next are due."""
TASKS_PER_GROUP = 200
"""Tasks of a group that have them, the first ones: about a minute of work. All follow with the first label."""
LABEL_GROWTH = 1.5
"""They are made again when the version behind them learnt from so many times as many labels."""

log = structlog.get_logger(__name__)


def predict_without_labels(services: Services, project: ProjectRecord, owner: str, cancel: CancelToken) -> list[str]:
    """Make or renew the predictions of groups without a label and a version of their own; what failed, in words.

    `cancel` is asked often, and ends it by what it raises.
    """
    if not services.settings.proposals or services.studio(project) is None:
        return []
    bare = (
        g
        for g in services.registry.groups.all(project.id)
        if g.tasks and not g.labelled and not g.is_aside(services.clock())
    )
    failures = []
    for group in islice((g for g in bare if not current_versions(services, project, g.name)), GROUPS_AT_A_TIME):
        cancel.check()
        try:
            _Transfer(services, project, group, owner, cancel).make()
        except (TrainingInterrupted, LeaseLost):
            raise
        except Exception as error:  # of this group: the others have theirs
            expected = isinstance(error, MicroModelsError)
            log.warning("no proposals", project=project.id, group=group.name, why=str(error), exc_info=not expected)
            failures.append(f"proposals for {group.name}: {error}")
    return failures


def outdated(last: Sequence[VersionRecord | None], best: Mapping[str, VersionRecord]) -> bool:
    """Whether predictions by these versions are to be renewed by better ones, by control. Pure."""
    before = {version.control: version for version in last if version is not None}
    return any(
        (old := before.get(control)) is None
        or (old.group, old.fingerprint) != (new.group, new.fingerprint)
        or new.labels >= LABEL_GROWTH * old.labels
        for control, new in best.items()
    )


class _Transfer:
    """The predictions for one group."""

    def __init__(
        self, services: Services, project: ProjectRecord, group: GroupRecord, owner: str, cancel: CancelToken
    ) -> None:
        self._services, self._project, self._group, self._lease = services, project, group, group.lease(owner)
        self._cancel = cancel.also(self._check_lease)
        self._held = NEVER
        self._frames = FrameStore(services.media(project), services.settings.frame_cache_mb, self._cancel)

    def make(self) -> None:
        """Nothing, where there is nobody to ask or nothing new to say, or another worker has the group."""
        registry, key = self._services.registry, (self._project.id, self._group.name)
        tasks = registry.tasks.of_group(*key)[:TASKS_PER_GROUP]
        predictors = self._predictors()
        if not predictors or not self._is_due(tasks, {version.control: version for version, _ in predictors}):
            return
        if not registry.leases.take(self._lease, self._services.settings.lease_seconds):
            return
        try:
            with lease_heartbeat(self._services, self._lease) as self._held:
                fresh = registry.groups.get(*key)
                if fresh and not fresh.labelled and fresh.wanted == fresh.trained:
                    self._predict(fresh, tasks, predictors)
        finally:
            fresh = registry.groups.get(*key)
            if fresh and fresh.state(self._services.clock()) == "queued":  # its message found the group held
                self._services.queue.enqueue_group(*key)

    def _predict(
        self,
        group: GroupRecord,
        tasks: Sequence[TaskRecord],
        predictors: Sequence[tuple[VersionRecord, ControlPredictor]],
    ) -> None:
        """As `publish_group` does; until the end the group counts as one without predictions, so that a cut is mended."""
        groups = self._services.registry.groups
        groups.note_work(self._lease, f"the proposals for {len(tasks)} frames")
        embed_frames(self._services, self._project, tasks, self._frames, self._cancel)
        entries = [
            with_transfer_score(entry)
            for entry in predicted(self._services, group, tasks, [s for _, s in predictors], self._frames)
        ]
        self._cancel.check()
        groups.mark_published(self._lease, group.published)
        self._services.registry.ledger.record(group.project, entries)
        push(self._services, group, entries)
        groups.mark_published(self._lease, group.published, mean(1 - e.score for e in entries) if entries else None)
        who = ", ".join(f"{version.control}: {named(version)}" for version, _ in predictors)
        log.info("proposals published", project=group.project, group=group.name, tasks=len(entries), who=who)

    def _predictors(self) -> list[tuple[VersionRecord, ControlPredictor]]:
        """The best version for each control whose weights can be had, in the order in which they must predict."""
        predictors = []
        for control in in_dependency_order(self._services.config(self._project).require()):
            for _, version in transfer_candidates(
                self._services, self._project, self._group.name, control, self._frames
            ):
                if (weights := weights_of(self._services, version)) is not None:
                    model = methods.load(methods.for_other_group(weights), self._services.settings.device)
                    predictors.append((version, ControlPredictor(control, version.id, model)))
                    break
        return predictors

    def _is_due(self, tasks: Sequence[TaskRecord], best: Mapping[str, VersionRecord]) -> bool:
        last = self._services.registry.ledger.latest(self._project.id, [task.id for task in tasks])
        # What is wrong with a task was true then: where that is all of them, it may have been the network.
        usable = [task for task in tasks if task.problem is None] or tasks
        if self._group.doubt is None or any(task.id not in last for task in usable):
            return bool(usable)
        ids = {version for entry in last.values() for version in entry.versions.values()}
        return outdated([self._services.registry.versions.get(id_) for id_ in sorted(ids)], best)

    def _check_lease(self) -> None:
        self._held.check()


def with_transfer_score(entry: LedgerEntry) -> LedgerEntry:
    """A prediction with the score that it has where nobody has labelled."""
    factor = TRANSFER_SCORE_FACTOR
    return replace(entry, score=factor * entry.score, uncalibrated_score=factor * entry.model_score)
