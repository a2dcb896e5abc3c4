"""Renewal: a group is published or trained again, because what serves in it is not what did."""

from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from model_registry.groups import WELL
from model_registry.leases import FREE
from model_registry.records import VersionState
from model_registry.tables import groups, projects, versions
from model_registry.version_rows import of_micro_model

DAMAGED_AGAIN_SECONDS = 60.0
"""Pause before a group is trained again whose new weights were damaged too; doubles each time, up to an hour."""


def raise_generation(connection: Connection, project: int) -> None:
    """Tells readers of the project that its predictions are outdated."""
    higher = projects.c.generation + 1
    connection.execute(update(projects).where(projects.c.id == project).values(generation=higher))


def publish_again(connection: Connection, project: int, group: str) -> None:
    """Has the group's predictions renewed, and takes it from whoever is about to publish what is not wanted now."""
    raise_generation(connection, project)
    connection.execute(
        update(groups)
        .where(groups.c.project == project, groups.c.name == group)
        .values({"published": groups.c.trained - 1, "due_at": None, **FREE, **WELL})
    )


def train_again(connection: Connection, damaged: Row[Any], reason: str, now: float) -> None:
    """Has the group of a version that serves no longer trained, and says why."""
    raise_generation(connection, damaged.project)
    same = (*of_micro_model(damaged.project, damaged.group, damaged.control), versions.c.state == VersionState.DAMAGED)
    count = select(func.count()).select_from(versions).where(*same, versions.c.label_revision == damaged.label_revision)
    before = connection.execute(count).scalar_one() - 1
    pause = min(DAMAGED_AGAIN_SECONDS * 2.0 ** min(before - 1, 10), 3600.0) if before else None
    mine = (groups.c.project == damaged.project, groups.c.name == damaged.group)
    due = None if pause is None else now + pause
    connection.execute(update(groups).where(*mine).values(WELL | {"forced": True, "due_at": due, "reason": reason}))
