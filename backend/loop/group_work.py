"""One worker's turn at one group: hold its lease, train what is wanted, publish what is new."""

import structlog

from backend.cancel import CancelSource, CancelToken
from backend.errors import ArtifactDamaged, LeaseLost, MicroModelsError, TrainingInterrupted, in_words
from backend.loop.data.embeddings import embed_ahead
from backend.loop.data.features import embed_frames
from backend.loop.data.frames import FrameStore
from backend.loop.data.memory import room
from backend.loop.data.project_news import enqueue_project_jobs
from backend.loop.idle_jobs import run_idle_jobs
from backend.loop.predict.publish import publish_group
from backend.loop.review.reviewing import review_pending
from backend.loop.services import Services
from backend.loop.train.obsolete import Obsolete
from backend.loop.train.train_group import train_group
from backend.loop.worker.lease_heartbeat import lease_heartbeat
from backend.loop.worker.preemption import SOON_SECONDS, Preemption
from backend.types import Media
from model_registry import GroupKind, GroupRecord, Lease

WAIT_SECONDS = 5.0
"""A group that is due within this is waited for; later ones are found by a later reconciliation."""

LOOK_SECONDS = 0.25
"""Pause between looks while one is waited for: a more urgent one may come."""

RETRY_SECONDS = 15.0
"""Pause before a failed group is tried again; doubles with each failure, up to an hour."""

log = structlog.get_logger(__name__)


class GroupWorker:
    """Answers "look at this group"; one for each worker process, named `owner` in leases."""

    def __init__(self, services: Services, owner: str, stop: CancelSource) -> None:
        self._services = services
        self._owner = owner
        self._stop = stop
        self.doing: str | None = None
        """Whose turn it is, in words; None while it waits for work."""

    def run_due(self) -> None:
        """Work off what is due, the most urgent first, until nothing is or the worker stops."""
        groups, queue = self._services.registry.groups, self._services.queue
        while not self._stop.cancelled:
            now = self._services.clock()
            most_urgent = groups.next(now, now + WAIT_SECONDS, SOON_SECONDS)
            if most_urgent is None:
                return
            project, name, due = most_urgent
            if due > now:
                self._stop.wait(min(LOOK_SECONDS, due - now))
                continue
            # Whoever is idle hears it, and takes the next one while this worker is busy.
            queue.enqueue_group(project, name)
            self.run_group(project, name)

    def run_group(self, project: int, name: str) -> None:
        """Do what the registry says is left to do for the group; nothing, if it is not due or another worker holds it."""
        registry = self._services.registry
        group, now = registry.groups.get(project, name), self._services.clock()
        if group is None or group.state(now) not in ("queued", "failed") or (group.due_at or now) > now:
            return
        whole = registry.projects.get(project)
        if whole is None or whole.gone or whole.stopped:
            return
        lease = group.lease(self._owner)
        if not registry.leases.take(lease, self._services.settings.lease_seconds):
            return
        is_project = group.kind is GroupKind.PROJECT
        self.doing = f"project {project}" if is_project else f"group {name} of project {project}"
        try:
            with lease_heartbeat(self._services, lease) as lost:
                cancel = CancelToken(self._stop.check, lost.check)
                self._turn(registry.groups.get(project, name) or group, lease, cancel)
        finally:
            self.doing = None

    def _turn(self, group: GroupRecord, lease: Lease, cancel: CancelToken) -> None:
        """Everything that is left to do for the group; what goes wrong is noted, and tried again later."""
        try:
            if group.kind is GroupKind.PROJECT:
                run_idle_jobs(self._services, group, lease, cancel)
            else:
                self._train_and_publish(group, lease, cancel)
        except TrainingInterrupted as why:
            log.info("training given up", project=group.project, group=group.name, why=str(why))
        except ArtifactDamaged as why:
            log.info("the group is to be trained again first", project=group.project, group=group.name, why=str(why))
        except LeaseLost as why:
            log.warning("another worker has the group", project=group.project, group=group.name, why=str(why))
        except Exception as error:
            expected, reason = isinstance(error, MicroModelsError), in_words(error)
            log.error("group failed", project=group.project, group=group.name, why=reason, exc_info=not expected)
            pause = min(RETRY_SECONDS * 2**group.attempts, 3600.0)
            self._note_failure(group, lease, reason, self._services.clock() + pause)

    def _train_and_publish(self, group: GroupRecord, lease: Lease, cancel: CancelToken) -> None:
        services, groups, settings = self._services, self._services.registry.groups, self._services.settings
        review_pending(services, group.project)
        media = services.media(services.registry.projects.require(group.project))
        cancel_early = self._cancel_early(group, cancel)
        frames = FrameStore(media, settings.frame_cache_mb, cancel_early, room(settings))
        train_group(services, group, lease, frames, cancel_early)
        if publish_group(services, group, lease, frames):
            enqueue_project_jobs(services, group.project)
            self._look_ahead(group, frames, cancel)
        elif group.failed_revision == group.wanted == group.trained:
            # It was set aside with nothing of its own left to do: idle jobs may be tried again.
            groups.mark_published(lease, group.published)
        elif group.failed_revision is not None:
            groups.mark_well(lease, group.wanted)

    def _cancel_early(self, group: GroupRecord, cancel: CancelToken) -> CancelToken:
        """Also where the promised labels came, or, of a group in which nothing is left to predict, another one waits."""
        cancel = cancel.also(Obsolete(self._services, group).check)
        if nothing_left(self._services, group):
            cancel = cancel.also(Preemption(self._services, self._owner).check)
        return cancel

    def _look_ahead(self, group: GroupRecord, frames: FrameStore, cancel: CancelToken) -> None:
        """For the order of the next publication: nobody waits for it, so it gives way, and its failure is no failure of the
        group."""
        registry, where = self._services.registry, {"project": group.project, "group": group.name}
        tasks = registry.tasks.of_group(group.project, group.name)
        cancel = cancel.also(Preemption(self._services, self._owner).check)
        try:
            embed_frames(self._services, registry.projects.require(group.project), tasks, frames, cancel)
            embed_ahead(self._services, registry.projects.require(group.project), tasks, frames, cancel)
        except (TrainingInterrupted, LeaseLost) as why:
            log.info("looking ahead is put off", why=str(why), **where)
        except Exception:
            log.exception("looking ahead failed; the next frames are chosen by their place in time", **where)

    def _note_failure(self, group: GroupRecord, lease: Lease, reason: str, retry_at: float) -> None:
        try:
            self._services.registry.groups.mark_failed(lease, group.wanted, reason, retry_at)
        except LeaseLost as why:
            log.warning("another worker has the group", project=group.project, group=group.name, why=str(why))


def nothing_left(services: Services, group: GroupRecord) -> bool:
    """Whether all that the group has is labelled: then its training can wait. Of a whole video there is always more."""
    if group.forced or group.labelled < group.tasks:
        return False
    try:
        controls = services.config(services.registry.projects.require(group.project)).controls
    except MicroModelsError:
        return False
    return all(control.media is Media.IMAGE for control in controls)
