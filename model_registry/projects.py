"""Projects: their labeling config, settings and generation."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, case, delete, func, select, update

from backend.errors import RegistryError
from model_registry.database import Database, upsert
from model_registry.records import STOPPED, ProjectRecord
from model_registry.tables import projects


class Projects:
    """The projects whose labels are kept here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, id: int) -> ProjectRecord:
        """The project, made where it is not known yet."""
        if record := self.get(id):
            return record
        with self._database.writing() as connection:
            return _record(lock_project(connection, id))

    def get(self, id: int) -> ProjectRecord | None:
        """The project, or None."""
        with self._database.reading() as connection:
            row = connection.execute(select(projects).where(projects.c.id == id)).one_or_none()
        return _record(row) if row else None

    def require(self, id: int) -> ProjectRecord:
        """The project; raises RegistryError where it is not known, for instance not any more."""
        if record := self.get(id):
            return record
        raise RegistryError(f"Project {id} is not known here; it may have been forgotten. Connect it (again).")

    def all(self) -> list[ProjectRecord]:
        """All projects, by id."""
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(select(projects).order_by(projects.c.id))]

    def secrets(self) -> dict[int, tuple[str, ...]]:
        """{project: the secrets that its webhook may carry}: its own, and one that it is being given; of all projects."""
        with self._database.reading() as connection:
            rows = connection.execute(select(projects.c.id, projects.c.settings))
            # What cannot be read protects no less: a secret that nobody knows.
            unknown = {"webhook_secret": uuid4().hex}
            return {row.id: accepted_secrets(unknown if row.settings is None else row.settings) for row in rows}

    def configure(
        self,
        id: int,
        config: str | None = None,
        settings: Mapping[str, Any] | None = None,
        seen: ProjectRecord | None = None,
    ) -> ProjectRecord:
        """Stores the config where given, and merges the settings: a value of None removes its key.

        `seen` is the project as the caller read it before it asked somebody else for long. Raises RegistryError where the
        project was forgotten, stopped or connected again since: what a person did then is not undone.
        """
        with self._database.writing() as connection:
            if seen is not None:
                _require_unmoved(connection, seen)
            stored = _record(lock_project(connection, id))
            merged = stored.settings | dict(settings or {})
            kept = {key: value for key, value in merged.items() if value is not None}
            values = {
                "config": stored.config if config is None else config,
                "settings": kept,
                "stopped": kept.get(STOPPED),
            }
            changed = update(projects).where(projects.c.id == id).values(values).returning(*projects.c)
            return _record(connection.execute(changed).one())

    def mark_synced(self, id: int, at: float) -> None:
        """Notes when the project was last compared with its source."""
        with self._database.writing() as connection:
            connection.execute(update(projects).where(projects.c.id == id).values(synced_at=at))

    def note_missing(self, id: int, at: float, patience: float) -> ProjectRecord:
        """Notes that its source has no such project; gone it is when it was missing `patience` seconds before, too. Raises
        RegistryError for one that is not known (any more)."""
        since = func.coalesce(projects.c.missing_since, at)
        gone = case((since <= at - patience, since), else_=projects.c.gone_since)
        with self._database.writing() as connection:
            changed = update(projects).where(projects.c.id == id).values(missing_since=since, gone_since=gone)
            row = connection.execute(changed.returning(*projects.c)).one_or_none()
        if row is None:
            raise RegistryError(f"Project {id} is not known here; it may have been forgotten.")
        return _record(row)

    def note_found(self, id: int) -> None:
        """Notes that its source has the project (again)."""
        with self._database.writing() as connection:
            found = {"missing_since": None, "gone_since": None}
            connection.execute(update(projects).where(projects.c.id == id).values(found))

    def delete(self, id: int) -> None:
        """Forgets the project with everything that belongs to it; its artifacts are left to the garbage collection."""
        with self._database.writing() as connection:
            connection.execute(delete(projects).where(projects.c.id == id))


def accepted_secrets(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The secrets that a project's webhook may carry: the one that it has, and the one that it is being given."""
    return tuple(str(settings[key]) for key in ("webhook_secret", "next_secret") if settings.get(key))


def lock_project(connection: Connection, id: int) -> Row[Any]:
    """The project's row, made where missing, locked until the transaction ends.

    Whatever writes more than one row of a project takes this lock first: writers of one project take turns, so that
    what they compare with cannot change meanwhile and no two of them can wait for each other.
    """
    locked = select(projects).where(projects.c.id == id).with_for_update(key_share=True)
    row = connection.execute(locked).one_or_none()
    if row is None:
        fresh = {"id": id, "config": "", "settings": {}, "generation": 0}
        connection.execute(upsert(connection, projects).values(fresh).on_conflict_do_nothing())
        row = connection.execute(locked).one()
    return row


def _require_unmoved(connection: Connection, seen: ProjectRecord) -> None:
    row = connection.execute(select(projects.c.stopped).where(projects.c.id == seen.id).with_for_update()).one_or_none()
    if row is None or row.stopped != seen.stopped:
        what = "forgotten" if row is None else f"stopped ({row.stopped})" if row.stopped else "connected again"
        raise RegistryError(f"Project {seen.id} was {what} meanwhile. Nothing was changed; look at it anew.")


def _record(row: Row[Any]) -> ProjectRecord:
    settings = row.settings if isinstance(row.settings, dict) else {}
    return ProjectRecord(**{**row._mapping, "settings": settings})
