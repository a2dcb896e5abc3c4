"""One worker's turn at one group: hold its lease, train what is wanted, publish what is new."""

import threading
from collections.abc import Callable

import structlog

from backend.errors import ArtifactDamaged, LeaseLost, MicroModelsError, TrainingInterrupted, in_words
from backend.loop.data.embeddings import embed_ahead
from backend.loop.data.features import look
from backend.loop.data.frames import FrameStore
from backend.loop.data.memory import room
from backend.loop.data.project_news import call
from backend.loop.idle import spend
from backend.loop.predict.publish import publish_group
from backend.loop.review.reviewing import review_pending
from backend.loop.services import Services
from backend.loop.train.outrun import Outrun
from backend.loop.train.train_group import train_group
from backend.loop.worker.holding import held
from backend.loop.worker.watch import SOON, Watch
from backend.types import Media
from model_registry import COMMON, GroupRecord

WAIT_SECONDS = 5.0
"""A group that is due within this is waited for; later ones are found by a later look-round."""

LOOK_SECONDS = 0.25
"""Pause between looks while one is waited for: a more urgent one may come."""

RETRY_SECONDS = 15.0
"""Pause before a failed group is tried again; doubles with each failure, up to an hour."""

log = structlog.get_logger(__name__)


class GroupWorker:
    """Answers "look at this group"; one for each worker process, named `owner` in leases."""

    def __init__(self, services: Services, owner: str, stop: threading.Event) -> None:
        self._services = services
        self._owner = owner
        self._stop = stop
        self.doing: str | None = None
        """Whose turn it is, in words; None while it waits for work."""

    def look(self) -> None:
        """Work off what is due, the most urgent first, until nothing is or the worker stops."""
        groups, queue = self._services.registry.groups, self._services.queue
        while not self._stop.is_set():
            now = self._services.clock()
            found = groups.next(now, now + WAIT_SECONDS, SOON)
            if found is None:
                return
            project, name, due = found
            if due > now:
                self._stop.wait(min(LOOK_SECONDS, due - now))
                continue
            # Whoever is idle hears it, and takes the next one while this worker is busy.
            queue.look_at(project, name)
            self.look_at(project, name)

    def look_at(self, project: int, name: str) -> None:
        """Do what the registry says is left to do for the group; nothing, if it is not due or another worker holds it."""
        registry = self._services.registry
        group, now = registry.groups.get(project, name), self._services.clock()
        if group is None or group.state(now) not in ("queued", "failed") or (group.due_at or now) > now:
            return
        whole = registry.projects.get(project)
        if whole is None or whole.gone or whole.stopped:
            return
        if not registry.leases.take(project, name, self._owner, self._services.settings.lease_seconds):
            return
        self.doing = f"project {project}" if name == COMMON else f"group {name} of project {project}"
        try:
            with held(self._services, project, name, self._owner) as lost:
                self._turn(registry.groups.get(project, name) or group, lost)
        finally:
            self.doing = None

    def _turn(self, group: GroupRecord, lost: threading.Event) -> None:
        registry, revision = self._services.registry, group.wanted

        def stopped() -> bool:
            return lost.is_set() or self._stop.is_set()

        try:
            if group.name == COMMON:
                spend(self._services, group, self._owner, stopped)
                return
            review_pending(self._services, group.project)

            alive = self._alive(group, stopped)
            media, settings = self._services.media(registry.projects.require(group.project)), self._services.settings
            frames = FrameStore(media, settings.frame_cache_mb, alive, room(settings))
            train_group(self._services, group, self._owner, frames, alive)
            if publish_group(self._services, group, self._owner, frames):
                call(self._services, group.project)
                self._look_ahead(group, frames, stopped)
            elif group.failed_revision == revision == group.trained:
                # It was set aside with nothing of its own left to do: what is done in spare time may be tried again.
                registry.groups.mark_published(group.project, group.name, self._owner, group.published)
            elif group.failed_revision is not None:
                registry.groups.mark_well(group.project, group.name, self._owner, revision)
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
            self._report(group, revision, reason, self._services.clock() + pause)

    def _alive(self, group: GroupRecord, stopped: Callable[[], bool]) -> Callable[[], None]:
        """What ends a turn: the worker stops, the promised labels came, or, of a group in which nothing is left to
        predict, another one waits."""
        outrun, watch = Outrun(self._services, group), Watch(self._services, self._owner, stopped)
        idle = nothing_left(self._services, group)

        def alive() -> None:
            if stopped():
                raise TrainingInterrupted("the worker stops, or another one has the group")
            outrun()
            if idle:
                watch()

        return alive

    def _look_ahead(self, group: GroupRecord, frames: FrameStore, stopped: Callable[[], bool]) -> None:
        """For the order of the next publication: nobody waits for it, so it gives way, and its failure is no failure of the
        group."""
        registry, where = self._services.registry, {"project": group.project, "group": group.name}
        tasks = registry.tasks.of_group(group.project, group.name)
        alive = Watch(self._services, self._owner, stopped)
        try:
            look(self._services, registry.projects.require(group.project), tasks, frames, alive)
            embed_ahead(self._services, registry.projects.require(group.project), tasks, frames, alive)
        except TrainingInterrupted as why:
            log.info("looking ahead is put off", why=str(why), **where)
        except Exception:
            log.exception("looking ahead failed; the next frames are chosen by their place in time", **where)

    def _report(self, group: GroupRecord, revision: int, reason: str, retry_at: float) -> None:
        try:
            self._services.registry.groups.mark_failed(
                group.project, group.name, self._owner, revision, reason, retry_at
            )
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
