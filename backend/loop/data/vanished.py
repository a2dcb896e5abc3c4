"""Deletion in Label Studio: what is missing from its answers, and when it counts as gone.

One answer proves little: it may be partial, or come from a proxy or from another database behind the same address. A
task or an annotation goes when two listings in a row lacked it, nothing spoke against them, and Label Studio, asked for
it by its number, says itself that there is no such thing. A project that Label Studio says it does not have is only set
aside, and only when it said so a day before, too.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from backend.errors import StudioMissing
from backend.loop.services import Services
from backend.studio.client import Studio
from backend.studio.events import created_at
from backend.studio.task_list import TaskList
from model_registry import ProjectRecord

PATIENCE_SECONDS = 86_400.0
"""Between the first and the last time that Label Studio says that a project, or all that is in it, is gone."""
ABSENT = "Label Studio says that it does not have this task; it gets its prediction when it is listed again."
"""The problem of a task that was asked for when its prediction was handed over."""
RETURNED_AT_ONCE = 1000
"""Tasks that a listing shows to be there again, of one sweep."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """What one listing of a project held, against what was known before it began."""

    started: float
    """By our clock."""
    tasks_before: Collection[int]
    labels_before: Mapping[int, int | None]
    """{label: its task}"""
    tasks: set[int] = field(default_factory=set)
    labels: set[int] = field(default_factory=set)

    def missing_tasks(self) -> set[int]:
        """Known tasks that it lacked."""
        return set(self.tasks_before) - self.tasks

    def missing_labels(self) -> set[int]:
        """Known labels that it lacked, but for those that go with their task."""
        with_task = self.missing_tasks()
        return {label for label, task in self.labels_before.items() if task not in with_task} - self.labels


def returned(services: Services, project: int, listed: Listed) -> set[str]:
    """Have the groups published again whose tasks Label Studio lacked when they were, and now lists; returns them."""
    troubled = services.registry.listing.problems(project, limit=RETURNED_AT_ONCE)
    there = [task.id for task in troubled if task.problem == ABSENT and task.id in listed.tasks]
    return services.registry.tasks.mended(project, there)


def set_aside(services: Services, project: ProjectRecord, why: str) -> None:
    """Note that Label Studio says it does not have the project; it is left alone once that was said a day before, too.

    Nothing is deleted: `micro-models forget` does that, when a person says so.
    """
    noted = services.registry.projects.note_missing(project.id, services.clock(), PATIENCE_SECONDS)
    what = "left alone" if noted.gone else "left alone if that stays so for a day"
    log.warning("project missing from Label Studio", project=project.id, why=why, since=noted.missing_since, then=what)


def absence(project: ProjectRecord) -> tuple[str, str] | None:
    """That Label Studio says it does not have the project, and what comes of it, for a person; None where it has it."""
    if project.missing_since is None:
        return None
    when = datetime.fromtimestamp(project.missing_since, UTC).strftime("%Y-%m-%d %H:%M UTC")
    what = f"Label Studio says since {when} that it has no project {project.id}."
    if not project.gone:
        return what, "If it says so for a day, the project is set aside: nothing is trained for it, nothing deleted."
    return what, (
        "Set aside: nothing is trained for it, nothing is deleted. It comes back by itself when Label Studio has it again; "
        f"`micro-models forget --project {project.id}` deletes what is kept."
    )


def look_up(studio: Studio, project: ProjectRecord) -> tuple[dict[str, Any] | None, str]:
    """Label Studio's row of the project. None where it is not there; then with the reason, which is empty where Label
    Studio contradicts itself, so that nothing can be concluded."""
    try:
        row = studio.project(project.id)
    except StudioMissing as error:
        if studio.lists_project(project.id):
            log.warning("Label Studio lists the project and says it does not have it", project=project.id)
            return None, ""
        return None, f"{error} Its list of projects lacks it, too."
    known, found = created_at(project.settings), created_at(row)
    if known is None or found is None or abs(found - known) < 1:  # another release may write the same time otherwise
        return row, ""
    return None, (
        f"Label Studio's project {project.id} was created at {row['created_at']}, the one known here at "
        f"{project.settings['created_at']}: another database answers. If that is meant, forget the project and connect it "
        "again."
    )


def remove_vanished(
    services: Services, studio: Studio, row: Mapping[str, Any], listing: TaskList, listed: Listed
) -> set[str]:
    """Forget the tasks and labels that are gone for certain; returns the groups whose labels changed by it.

    `row` is Label Studio's row of the project, read before the listing.
    """
    number = int(row["id"])
    lacked, unlabelled = listed.missing_tasks(), listed.missing_labels()
    doubt = listing.doubt or _contradiction(row, listed, lacked)
    if doubt:
        if lacked or unlabelled:
            log.warning("nothing is concluded from this listing", project=number, why=doubt)
        return set()
    registry, at = services.registry, listed.started
    since = registry.tasks.note_missing(number, lacked, at)
    due = _due(since, at, everything=not listed.tasks and row.get("task_number") != 0)
    tasks = _confirmed(due, lambda id_: studio.has_task(number, id_), number)
    since = registry.labels.note_missing(number, unlabelled, at)
    due = _due(since, at, everything=not listed.labels and not _says_unlabelled(row))
    labels = _confirmed(due, lambda id_: studio.has_annotation(number, id_), number)
    if tasks or labels:
        log.info("removing what is gone", project=number, tasks=len(tasks), labels=len(labels))
    return registry.tasks.delete(number, tasks, at) | registry.labels.delete(number, labels, at)


def _contradiction(row: Mapping[str, Any], listed: Listed, lacked: set[int]) -> str:
    """What the project's own row says against the listing."""
    count = row.get("task_number")
    if lacked and isinstance(count, int) and count != len(listed.tasks):
        return f"it has {len(listed.tasks)} tasks, the project's row says {count}"
    return ""


def _says_unlabelled(row: Mapping[str, Any]) -> bool:
    return row.get("total_annotations_number") == 0 and row.get("skipped_annotations_number") == 0


def _due(since: Mapping[int, float], at: float, *, everything: bool) -> list[int]:
    """What an earlier listing lacked too. Where nothing at all is left, and Label Studio's counts do not bear it out, that
    must have been long ago."""
    return sorted(id_ for id_, when in since.items() if when < at and (not everything or when <= at - PATIENCE_SECONDS))


def _confirmed(ids: list[int], is_there: Callable[[int], bool], project: int) -> list[int]:
    """The same ids, or none of them where Label Studio has one after all: then its listing is not to be trusted."""
    for id_ in ids:
        if is_there(id_):
            log.warning("Label Studio has what its listing lacked; nothing is removed", project=project, id=id_)
            return []
    return ids
