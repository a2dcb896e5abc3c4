"""One worker's turn at one group: hold its lease, train what is wanted, publish what is new."""

import threading

import structlog

from backend.errors import LeaseLost, MicroModelsError, TrainingInterrupted, in_words
from backend.loop.common import call
from backend.loop.frames import FrameStore
from backend.loop.holding import held
from backend.loop.publish import publish_group
from backend.loop.reviewing import review_pending
from backend.loop.services import Services
from backend.loop.spare_time import spend
from backend.loop.train_group import train_group
from model_registry import COMMON, GroupRecord

WAIT_SECONDS = 2.0
"""A group that is due within this is waited for; later ones are put back, so that others get their turn."""

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

    def look_at(self, project: int, name: str) -> None:
        """Do what the registry says is left to do for the group; nothing, if another worker holds it."""
        registry, settings = self._services.registry, self._services.settings
        group = self._when_due(project, name)
        if group is None or not registry.leases.take(project, name, self._owner, settings.lease_seconds):
            return
        self.doing = f"project {project}" if name == COMMON else f"group {name} of project {project}"
        try:
            with held(self._services, project, name, self._owner) as lost:
                self._turn(registry.groups.get(project, name) or group, lost)
        finally:
            self.doing = None
        group = registry.groups.get(project, name)
        if group and group.state(self._services.clock()) == "queued" and not self._stop.is_set():
            # What is for the whole project was put off since a group needs a worker: not before that has begun.
            self._services.queue.look_at(project, name, WAIT_SECONDS if name == COMMON else 0)

    def _when_due(self, project: int, name: str) -> GroupRecord | None:
        """The group once its quiet time is over; None if there is nothing to do, or not soon."""
        while True:
            group, now = self._services.registry.groups.get(project, name), self._services.clock()
            if group is None or group.state(now) not in ("queued", "failed"):
                return None
            wait = (group.due_at or now) - now
            if wait <= 0:
                return group
            if wait > WAIT_SECONDS:
                self._services.queue.look_at(project, name, wait)
                return None
            if self._stop.wait(wait):
                return None

    def _turn(self, group: GroupRecord, lost: threading.Event) -> None:
        registry, revision = self._services.registry, group.wanted
        try:
            if group.name == COMMON:
                spend(self._services, group, self._owner, lambda: lost.is_set() or self._stop.is_set())
                return
            review_pending(self._services, group.project)
            media = self._services.media(registry.projects.seen(group.project))
            frames = FrameStore(media, self._services.settings.frame_cache_mb)
            train_group(self._services, group, self._owner, frames, lambda: lost.is_set() or self._stop.is_set())
            if publish_group(self._services, group, self._owner, frames):
                call(self._services, group.project)
            elif group.failed_revision is not None:
                registry.groups.mark_well(group.project, group.name, self._owner, revision)
        except TrainingInterrupted as why:
            log.info("training given up", project=group.project, group=group.name, why=str(why))
        except LeaseLost as why:
            log.warning("another worker has the group", project=group.project, group=group.name, why=str(why))
        except Exception as error:
            expected, reason = isinstance(error, MicroModelsError), in_words(error)
            log.error("group failed", project=group.project, group=group.name, why=reason, exc_info=not expected)
            pause = min(RETRY_SECONDS * 2**group.attempts, 3600.0)
            self._report(group, revision, reason, self._services.clock() + pause)

    def _report(self, group: GroupRecord, revision: int, reason: str, retry_at: float) -> None:
        try:
            self._services.registry.groups.mark_failed(
                group.project, group.name, self._owner, revision, reason, retry_at
            )
        except LeaseLost as why:
            log.warning("another worker has the group", project=group.project, group=group.name, why=str(why))
