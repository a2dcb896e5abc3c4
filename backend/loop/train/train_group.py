"""Training the micro-models of one group, from its labels to versions that serve or were rejected."""

from collections.abc import Sequence
from dataclasses import asdict

import structlog

from backend.cancel import CancelToken
from backend.errors import PASSING, ArtifactDamaged, LeaseLost, MicroModelsError, TrainingError, TrainingInterrupted
from backend.learning import methods
from backend.learning.fitting.recipe import HeadRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.loop.data.frames import FrameStore
from backend.loop.data.project_news import break_off
from backend.loop.data.training_set import TrainingSet, build_training_set
from backend.loop.data.weights import read_and_load
from backend.loop.review.difficulty import POOR_SCORE, examples
from backend.loop.review.reviewing import accepted
from backend.loop.services import Services
from backend.loop.train import restart_policy
from backend.loop.train.evaluator import Evaluator
from backend.loop.train.initialization import Initialization, as_start, find_initialization, imported_start
from backend.loop.train.promotion import Decision, QualityChange, decide, label_hash, split_seen
from backend.loop.train.sharing import Share, shares
from backend.objects.composing import in_dependency_order
from backend.studio.labeling_config import control_fingerprint
from backend.studio.regions.limits import told
from backend.types import Control, Prediction, Progress, Quality, Start, Weights
from model_registry import GroupRecord, Lease, VersionRecord

REPORT_SECONDS = 1.0
"""Pause between progress reports: often enough for a moving bar, and each is a write that others wait for."""

LOG_INTERVAL_SHARE = 0.25
"""Share of a training after which the log says how far it is."""

SOUND_LABELS = 5
"""Frames that a version must have learnt before it is left as it is because people accept what it says, or goes on speaking
beside the next one: with fewer, each one more shows it something new."""

log = structlog.get_logger(__name__)


def train_group(services: Services, group: GroupRecord, lease: Lease, frames: FrameStore, cancel: CancelToken) -> None:
    """Train every control tag of the group that has labels not learnt yet, and settle the group's revision.

    `cancel` is asked often, and ends it by what it raises. Raises TrainingInterrupted when newer labels make it pointless
    to go on, LeaseLost when another worker has the group, and MicroModelsError with the reason where the group cannot be trained.
    """
    if group.wanted == group.trained and not group.forced:
        return
    registry, settings = services.registry, services.settings
    project = registry.projects.require(group.project)
    labels = registry.labels.of_group(group.project, group.name)
    waits = restart_policy.reason_to_wait(group, len({x.task for x in labels}), settings.training, settings.min_labels)
    problems, failures, learnt = [waits] if waits else [], list[str](), set[int]()
    if not waits and labels:
        config = services.config(project)
        controls = in_dependency_order(config.require())
        tasks = registry.tasks.of_group(group.project, group.name)
        registry.groups.progress(lease, "training", 0.0, None, f"reading its {len(tasks)} frames")
        untouched = accepted(services, group.project, group.name, labels)
        took = {name: v.seconds or 0.0 for name, v in registry.versions.serving(group.project, group.name).items()}
        for control, share in zip(controls, shares([c.from_name for c in controls], took), strict=True):
            recipe = methods.recipe_for(control, settings.backbone, settings.effort)
            training_set = build_training_set(control, tasks, labels, frames, untouched, recipe.accepted_weight)
            recipe = methods.recipe_for(training_set.control, settings.backbone, settings.effort)
            problems.extend(training_set.problems)
            learnt |= training_set.learnt
            if training_set.labeled:
                made_of = (services, group, lease, cancel, training_set, recipe, frames, share, config.fingerprint)
                failures += _try(_Training(*made_of), control)
        if len(failures) == len(controls):
            raise TrainingError("; ".join(failures))
    count = group.trained_labels if waits else sum(x.task in learnt for x in labels)
    reason = "; ".join((*failures, *told(dict.fromkeys(problems)))) or None
    registry.groups.mark_trained(lease, group.wanted, count, reason)


def _try(training: "_Training", control: Control) -> list[str]:
    """Run a training; why it failed, in words. One control failing must not lose the others."""
    try:
        training.run()
    except (TrainingInterrupted, LeaseLost, *PASSING):
        raise
    except MicroModelsError as error:
        log.error("training failed", control=control.from_name, why=str(error))
        return [f"{control.from_name}: {error}"]
    return []


def _is_sound(serving: VersionRecord, seen: Sequence[int]) -> bool:
    """Whether the version learnt enough, and all of that is labelled so still: these of the labelled frames are."""
    return serving.labels >= SOUND_LABELS and len(seen) == len(serving.metrics.get("tasks", ()))


class _Training:
    """One training of one control tag in one group."""

    def __init__(
        self,
        services: Services,
        group: GroupRecord,
        lease: Lease,
        cancel: CancelToken,
        training_set: TrainingSet,
        recipe: HeadRecipe,
        frames: FrameStore,
        share: Share,
        config_fingerprint: str,
    ) -> None:
        self._services, self._group, self._lease, self._training_set = services, group, lease, training_set
        self._recipe, self._frames, self._share, self._config = recipe, frames, share, config_fingerprint
        self._previous_weights: Weights | None = None
        """Of the serving version."""
        self._cancel = cancel.also(self._check_labels)
        self._progress = Progress(0.0)
        self._reported, self._looked, self._logged_share = 0.0, 0.0, 0.0

    def run(self) -> None:
        """Train from the best source, evaluate, and promote or reject; skipped where this revision has been evaluated already."""
        versions, control = self._services.registry.versions, self._training_set.control
        serving = versions.serving(self._group.project, self._group.name).get(control.from_name)
        fingerprint = control_fingerprint(control)
        if serving and serving.fingerprint != fingerprint:
            serving = None
        damaged = serving is not None and not self._can_read(serving)
        if damaged:
            serving = None
        elif self._is_evaluated(control, fingerprint) or (serving and self._is_confirmed(serving)):
            return
        origin = self._origin(serving)
        try:
            self._train_from(origin, serving, fingerprint)
        except TrainingInterrupted:
            raise
        except TrainingError as error:
            if origin.kind in (Start.SERVING, Start.BACKBONE):
                raise
            # What others learnt must not keep this group from learning.
            log.warning("training goes on from the backbone", start=str(origin.kind), why=str(error))
            self._train_from(Initialization(Start.BACKBONE), serving, fingerprint)

    def _can_read(self, serving: VersionRecord) -> bool:
        """Reads the serving version's weights, without which nobody could tell whether the new ones are better; False where
        they are damaged: then it serves no longer. Raises ArtifactError where the store does not answer."""
        try:
            self._previous_weights, _ = read_and_load(self._services, serving)
        except ArtifactDamaged:
            return False
        return True

    def _origin(self, serving: VersionRecord | None) -> Initialization:
        goes_on = None if self._recipe.anew or self._previous_weights is None else serving
        if imported := imported_start(self._services, self._group, self._training_set.control, goes_on):
            return imported
        if goes_on is not None and self._previous_weights is not None:
            return Initialization(Start.SERVING, goes_on, as_start(self._previous_weights, Start.SERVING))
        project = self._services.registry.projects.require(self._group.project)
        return find_initialization(
            self._services, project, self._group.name, self._training_set.control, self._frames, self._fits_labels
        )

    def _fits_labels(self, weights: Weights) -> bool:
        """Whether what another group's micro-model says about the labelled frames is not poor."""
        evaluator = Evaluator(self._training_set, None, self._services.settings.device)
        try:
            score = evaluator.quality(evaluator.predict(methods.for_other_group(weights))).score
        except TrainingError:  # of an older format
            return False
        return score is not None and score >= POOR_SCORE

    def _train_from(self, origin: Initialization, serving: VersionRecord | None, fingerprint: str) -> None:
        versions, control, before = (
            self._services.registry.versions,
            self._training_set.control,
            serving or origin.version,
        )
        version = versions.begin(
            self._lease, control.from_name, control.head,
            label_revision=self._group.wanted, labels=len(self._training_set.labeled), fingerprint=fingerprint,
            recipe=asdict(self._recipe), previous=before.id if before else None, start=origin.words,
        )  # fmt: skip
        groups = self._services.registry.groups
        try:
            groups.note_work(self._lease, self._training_set.work)
            self._logged_share = 0.0
            self._log("training begins", version=version.number, labels=version.labels, start=version.start)
            self._train_and_evaluate(version, origin, serving)
        except BaseException as error:
            break_off(self._services, version, self._lease.owner, error)
            raise

    def _is_evaluated(self, control: Control, fingerprint: str) -> bool:
        if self._group.forced:
            return False
        history = self._services.registry.versions.history
        newest = history(self._group.project, self._group.name, control.from_name, most=1)
        return any(
            v.label_revision == self._group.wanted
            and v.fingerprint == fingerprint
            and v.state in ("serving", "rejected")
            for v in newest
        )

    def _is_confirmed(self, serving: VersionRecord) -> bool:
        """Whether people found nothing to mend since the version was trained: then it can do already what there is to learn."""
        if self._group.forced:
            return False
        seen, unseen = split_seen(self._training_set.labeled, serving.metrics)
        confirmed = all(self._training_set.labeled[i].frame.task in self._training_set.accepted for i in unseen)
        return confirmed and _is_sound(serving, seen)

    def _train_and_evaluate(
        self, version: VersionRecord, origin: Initialization, serving: VersionRecord | None
    ) -> None:
        registry, device, labeled = self._services.registry, self._services.settings.device, self._training_set.labeled
        evaluator = Evaluator(self._training_set, serving, device)
        previous = self._previous_weights
        before = evaluator.predict(previous) if previous else None
        given = TrainingInput(
            labeled=labeled, labels=self._training_set.control.labels, unlabeled=self._training_set.rest, start=origin.weights,
            device=device, seed=self._services.seed + version.id, progress=self._note,
            cancel=self._cancel,
        )  # fmt: skip
        trained = methods.train(self._training_set.control, given, self._recipe)
        ensemble_member = previous if serving and _is_sound(serving, evaluator.seen) else None
        weights = methods.ensemble(trained.weights, ensemble_member)
        after = evaluator.predict(weights)
        decision, unseen = self._decide(evaluator, after, before)
        metrics = {
            **trained.metrics, "labelled": asdict(evaluator.quality(after)), "unseen": asdict(unseen) if unseen else None,
            "tasks": [f.frame.task for f in labeled], "label_hashes": {str(f.frame.task): label_hash(f) for f in labeled},
            "examples": examples(labeled), "config": self._config,
        }  # fmt: skip
        artifact = registry.artifacts.write(weights)
        if decision.promote:
            ended = registry.versions.promote(version.id, self._lease.owner, artifact, metrics, trained.seconds)
        else:
            why = decision.reason
            ended = registry.versions.reject(version.id, self._lease.owner, why, artifact, metrics, trained.seconds)
        log.info(
            f"version {ended.state}", project=self._group.project, group=self._group.name, version=version.number,
            labels=len(labeled), seconds=round(trained.seconds, 1), why=ended.reason or decision.reason,
        )  # fmt: skip

    def _decide(
        self, evaluator: Evaluator, after: Sequence[Prediction], before: Sequence[Prediction] | None
    ) -> tuple[Decision, Quality | None]:
        """Whether the candidate may serve, and the serving version on labels it never saw: the round's held-out figure."""
        every = evaluator.quality(after)
        if before is None:
            return decide(every, None, None, ()), None
        older = (
            QualityChange(evaluator.quality(after, evaluator.seen), evaluator.quality(before, evaluator.seen))
            if evaluator.seen
            else None
        )
        decision = decide(every, evaluator.quality(before), older, evaluator.conflicting_labels(before))
        return decision, evaluator.quality(before, evaluator.unseen) if evaluator.unseen else None

    def _note(self, progress: Progress) -> None:
        """Tell registry and log how far it is, now and then."""
        self._progress = progress = self._share.whole(progress)
        now = self._services.clock()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        groups = self._services.registry.groups
        groups.progress(self._lease, "training", progress.done, progress.seconds_left)
        if progress.done - self._logged_share >= LOG_INTERVAL_SHARE:
            self._logged_share = progress.done
            left = None if progress.seconds_left is None else round(progress.seconds_left)
            self._log(f"training {progress.done:.0%}", seconds_left=left)

    def _check_labels(self) -> None:
        """Raises TrainingInterrupted where labels came that the training had better begin again with."""
        now, group = self._services.clock(), self._group
        if now - self._looked < REPORT_SECONDS:
            return
        self._looked = now
        newest = self._services.registry.groups.get(group.project, group.name)
        if newest and newest.wanted != group.wanted and self._should_restart(newest, self._progress, now):
            raise TrainingInterrupted(f"{newest.labelled} labels are there: it starts again with them.")

    def _should_restart(self, newest: GroupRecord, progress: Progress, now: float) -> bool:
        group, settings = self._group, self._services.settings
        running = restart_policy.RunningTraining(
            group.labelled, group.trained_labels, progress.done, progress.seconds_left
        )
        labels = self._services.registry.labels.of_group(group.project, group.name)
        gap = restart_policy.label_interval([label.updated_at for label in labels])
        since = now - (newest.due_at - settings.quiet_seconds) if newest.due_at is not None else 0.0
        # New labels come to an end; a person who mends the same ones again and again must not starve the group.
        may = newest.labelled > group.labelled or now - (newest.first_due or now) < settings.patience_seconds
        return may and restart_policy.should_restart(running, newest.labelled, gap, since)

    def _log(self, what: str, **more: object) -> None:
        group, control = self._group, self._training_set.control.from_name
        log.info(what, project=group.project, group=group.name, control=control, **more)
