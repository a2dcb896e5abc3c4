"""Labels: the submitted annotations, kept right although events come twice, late, out of order or not at all."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from model_registry.database import Database, chunks, plain, upsert
from model_registry.groups import GroupKey, touch
from model_registry.projects import lock_project
from model_registry.records import LabelRecord
from model_registry.reviews import mark_pending
from model_registry.tables import counts, labels, tasks


class Labels:
    """The labels of all projects. A change of a label that is not skipped raises its group's wanted revision."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def record(self, project: int, labels: Iterable[LabelRecord], *, seen_at: float | None = None) -> set[str]:
        """Stores the labels; returns the groups whose labels changed. The same content again changes nothing.

        What is older than the stored label is ignored, and a deleted label stays deleted unless it was changed after
        its deletion. `seen_at` is for who has just asked the source instead of hearing of an event: the labels were
        there at that time, so that a deletion before it was a mistake and is undone.
        """
        with self._database.writing() as connection:
            lock_project(connection, project)
            changed = record_labels(connection, project, labels, seen_at)
            touch(connection, changed, self._clock())
        return {name for _, name in changed}

    def delete(self, project: int, ids: Iterable[int], at: float | None = None) -> set[str]:
        """Deletes the labels, known or not, for good; returns the groups whose labels changed.

        `at` is for who misses them in a list made earlier: the time of that list. A label that was changed after it
        is kept, and the deletion counts from then. None: they are deleted now, whatever they were.
        """
        changed: set[GroupKey] = set()
        now, wanted = self._clock(), sorted(set(ids))
        if not wanted:
            return set()
        with self._database.writing() as connection:
            lock_project(connection, project)
            for chunk in chunks(wanted):
                changed |= bury(connection, project, at, now, ids=chunk)
            touch(connection, changed, now)
        return {name for _, name in changed}

    def of_group(self, project: int, group: str, include_skipped: bool = False) -> list[LabelRecord]:
        """The live labels of the group's tasks, by id."""
        live = labels.c.deleted_at.is_(None) if include_skipped else counts
        query = (
            select(*(labels.c[name] for name in LabelRecord.__dataclass_fields__))
            .select_from(tasks.join(labels, labels.c.task == tasks.c.id))
            .where(tasks.c.project == project, tasks.c.group == group, live)
            .order_by(labels.c.id)
        )
        with self._database.reading() as connection:
            return [LabelRecord(**row._mapping) for row in connection.execute(query)]

    def known(self, project: int) -> dict[int, float]:
        """When each live label of the project, skipped ones included, was last changed, by id."""
        query = select(labels.c.id, labels.c.updated_at).where(
            labels.c.project == project, labels.c.deleted_at.is_(None)
        )
        with self._database.reading() as connection:
            return {row.id: row.updated_at for row in connection.execute(query)}


def record_labels(
    connection: Connection, project: int, seen: Iterable[LabelRecord], seen_at: float | None = None
) -> set[GroupKey]:
    """Stores the labels; returns the groups whose labels changed. The caller has locked the project."""
    newest: dict[int, LabelRecord] = {}
    for label in seen:
        if label.id not in newest or label.updated_at >= newest[label.id].updated_at:
            newest[label.id] = label
    changed: set[GroupKey] = set()
    for chunk in chunks(newest.values()):
        ids = [label.id for label in chunk]
        stored = {row.id: row for row in connection.execute(select(labels).where(labels.c.id.in_(ids)))}
        rows: list[dict[str, Any]] = []
        touched: set[int] = set()
        for label in chunk:
            row = _row(project, label)
            old = stored.get(label.id)
            if old is None or _is_news(old, row, seen_at):
                rows.append(row)
                touched |= _tasks_changed(old, row)
        _write(connection, rows)
        changed |= _groups_of(connection, touched)
    return changed


def bury(
    connection: Connection,
    project: int,
    at: float | None,
    now: float,
    *,
    ids: Sequence[int] = (),
    tasks_: Sequence[int] = (),
) -> set[GroupKey]:
    """Turns the labels with these ids, or of these tasks, into tombstones; returns the groups that lose one."""
    chosen = labels.c.task.in_(tasks_) if tasks_ else labels.c.id.in_(ids)
    stored = {row.id: row for row in connection.execute(select(labels).where(chosen))}
    rows: list[dict[str, Any]] = []
    touched: set[int] = set()
    for id in sorted(stored.keys() | set(ids)):
        old = stored.get(id)
        if old is not None and (old.deleted_at is not None or (at is not None and old.updated_at > at)):
            continue
        changed_at = old.updated_at if old is not None else 0.0
        # Not before its own last change, whatever the clocks of two machines say.
        deleted_at = max(now if at is None else at, changed_at)
        task = old.task if old is not None else None
        row = _empty(id, project, task) | {"updated_at": changed_at, "deleted_at": deleted_at}
        rows.append(row)
        touched |= _tasks_changed(old, row) if old is not None else set()
    _write(connection, rows)
    return _groups_of(connection, touched)


def labelled_tasks(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the tasks that have a label to train on."""
    if not ids:
        return set()
    return set(connection.execute(select(labels.c.task).where(labels.c.task.in_(ids), counts)).scalars())


def _row(project: int, label: LabelRecord) -> dict[str, Any]:
    return {
        "id": label.id,
        "project": project,
        "task": label.task,
        "result": plain(label.result),
        "skipped": label.skipped,
        "updated_at": label.updated_at,
        "deleted_at": None,
        "details": plain(label.details),
    }


def _empty(id: int, project: int, task: int | None) -> dict[str, Any]:
    return {"id": id, "project": project, "task": task, "result": [], "skipped": False, "details": {}}


def _is_news(old: Row[Any], row: dict[str, Any], seen_at: float | None) -> bool:
    """Whether the stored label is to be replaced."""
    if old.deleted_at is not None:
        alive_at = row["updated_at"] if seen_at is None else max(row["updated_at"], seen_at)
        return bool(alive_at > old.deleted_at)
    return bool(row["updated_at"] >= old.updated_at) and row != dict(old._mapping)


def _tasks_changed(old: Row[Any] | None, row: dict[str, Any]) -> set[int]:
    """The tasks for which there is something else to train on afterwards."""
    before = _content(dict(old._mapping)) if old is not None else None
    after = _content(row)
    return set() if before == after else {content[0] for content in (before, after) if content is not None}


def _content(row: dict[str, Any]) -> tuple[int, Any] | None:
    """What a training would see of the label; None when it is deleted or skipped."""
    return None if row["deleted_at"] is not None or row["skipped"] else (row["task"], row["result"])


def _write(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert = upsert(connection, labels)
        replaced = {column.name: insert.excluded[column.name] for column in labels.c if not column.primary_key}
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=replaced), rows)
        for project in {row["project"] for row in rows}:
            mine = [row for row in rows if row["project"] == project]
            live = ((row["id"], row["task"], row["deleted_at"] is None and not row["skipped"]) for row in mine)
            mark_pending(connection, project, live)


def _groups_of(connection: Connection, ids: set[int]) -> set[GroupKey]:
    """Where the tasks belong; one that is not known yet brings its labels along when it comes."""
    if not ids:
        return set()
    found = connection.execute(select(tasks.c.project, tasks.c.group).where(tasks.c.id.in_(ids)).distinct())
    return {(row.project, row.group) for row in found}
