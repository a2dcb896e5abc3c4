"""Labels: the submitted annotations, kept right although events come twice, late, out of order or not at all.

Two clocks meet here. `updated_at` is the source's and orders its events among each other; `seen_at` is ours and says
when we were told. A listing is the source's own answer: it wins over whatever was told before it began, whatever the
times of the source say, so that a source whose clock was wrong does no lasting harm.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from model_registry.database import Database, chunks, plain, upsert
from model_registry.group_rows import GroupKey, touch
from model_registry.missing import note_missing
from model_registry.projects import lock_project
from model_registry.records import LabelRecord
from model_registry.reviews import mark_pending
from model_registry.tables import counts, labels, labels_task, tasks

FUTURE_SECONDS = 60.0
"""How far the source's clock may be ahead of ours. What it dates later counts as of when it arrived."""


class Labels:
    """The labels of all projects. A change of a label that is not skipped raises its group's wanted revision."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def record(self, project: int, labels: Iterable[LabelRecord], *, seen_at: float | None = None) -> set[str]:
        """Stores the labels; returns the groups whose labels changed. The same content again changes nothing.

        An event that is older than the stored label is ignored, and a deleted label stays deleted unless it was changed
        after its deletion. `seen_at` is for who has listed the source instead of hearing of an event: when, by our
        clock, that began. The labels are as listed then, whatever was known; only what an event told since is kept.
        """
        with self._database.writing() as connection:
            lock_project(connection, project)
            now = self._clock()
            changed = record_labels(connection, project, labels, now, seen_at)
            touch(connection, changed, now)
        return {name for _, name in changed}

    def delete(self, project: int, ids: Iterable[int], at: float | None = None) -> set[str]:
        """Deletes the labels, known or not, for good; returns the groups whose labels changed.

        `at` is for who misses them in a listing: when, by our clock, that began. A label that an event told of since is
        kept, and the deletion counts from then. None: they are deleted now, whatever they were.
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
            .select_from(tasks.join(labels, labels_task))
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

    def tasks(self, project: int) -> dict[int, int | None]:
        """The task of each live label of the project, skipped ones included, by id; None where it was never told."""
        query = select(labels.c.id, labels.c.task).where(labels.c.project == project, labels.c.deleted_at.is_(None))
        with self._database.reading() as connection:
            return {row.id: row.task for row in connection.execute(query)}

    def note_missing(self, project: int, ids: Collection[int], at: float) -> dict[int, float]:
        """Notes what a listing made at `at` lacked; returns since when each has been missing, by id."""
        with self._database.writing() as connection:
            lock_project(connection, project)
            return note_missing(connection, labels, project, ids, at)


def record_labels(
    connection: Connection, project: int, seen: Iterable[LabelRecord], now: float, seen_at: float | None = None
) -> set[GroupKey]:
    """Stores the labels; returns the groups whose labels changed. The caller has locked the project."""
    newest: dict[int, LabelRecord] = {}
    for label in seen:
        if label.id not in newest or label.updated_at >= newest[label.id].updated_at:
            newest[label.id] = label
    changed: set[GroupKey] = set()
    for chunk in chunks(newest.values()):
        stored = _stored(connection, project, labels.c.id.in_([label.id for label in chunk]))
        rows: list[dict[str, Any]] = []
        touched: set[int] = set()
        for label in chunk:
            old = stored.get(label.id)
            row = _row(project, label, old, now, seen_at)
            if old is None or _is_news(
                old, row, dated=label.updated_at == row["updated_at"], listed=seen_at is not None
            ):
                rows.append(row)
                touched |= _tasks_changed(old, row)
        _write(connection, project, rows)
        changed |= _groups_of(connection, project, touched)
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
    stored = _stored(connection, project, labels.c.task.in_(tasks_) if tasks_ else labels.c.id.in_(ids))
    rows: list[dict[str, Any]] = []
    touched: set[int] = set()
    for id in sorted(stored.keys() | set(ids)):
        old = stored.get(id)
        if old is not None and (old.deleted_at is not None or (at is not None and old.seen_at >= at)):
            continue
        row = _tombstone(project, id, old, now if at is None else at)
        rows.append(row)
        touched |= _tasks_changed(old, row) if old is not None else set()
    _write(connection, project, rows)
    return _groups_of(connection, project, touched)


def labelled_tasks(connection: Connection, project: int, ids: Sequence[int]) -> set[int]:
    """Those of the project's tasks that have a label to train on."""
    if not ids:
        return set()
    mine = (labels.c.project == project, labels.c.task.in_(ids))
    return set(connection.execute(select(labels.c.task).where(*mine, counts)).scalars())


def _stored(connection: Connection, project: int, chosen: ColumnElement[bool]) -> dict[int, Row[Any]]:
    return {row.id: row for row in connection.execute(select(labels).where(labels.c.project == project, chosen))}


def _row(project: int, label: LabelRecord, old: Row[Any] | None, now: float, seen_at: float | None) -> dict[str, Any]:
    """The row of a label that was told of; a time in the future is not believed."""
    updated_at = label.updated_at
    if updated_at > now + FUTURE_SECONDS:
        # Dated once: a listing repeats that time for as long as the annotation is not touched.
        known = old is not None and old.deleted_at is None and old.result == plain(label.result)
        updated_at = old.updated_at if old is not None and known else now
    return {
        "id": label.id,
        "project": project,
        "task": label.task,
        "result": plain(label.result),
        "skipped": label.skipped,
        "updated_at": updated_at,
        "seen_at": now if seen_at is None else seen_at,
        "deleted_at": None,
        "missing_since": None,
        "details": plain(label.details),
    }


def _tombstone(project: int, id: int, old: Row[Any] | None, at: float) -> dict[str, Any]:
    """The row of a label that was deleted: without content, so that a late event cannot bring it back."""
    task, changed_at = (None, 0.0) if old is None else (old.task, old.updated_at)
    return {
        "id": id,
        "project": project,
        "task": task,
        "result": [],
        "skipped": False,
        "updated_at": changed_at,
        "seen_at": at,
        # Not before its own last change, whatever the clocks of two machines say.
        "deleted_at": max(at, changed_at),
        "missing_since": None,
        "details": {},
    }


def _is_news(old: Row[Any], row: dict[str, Any], *, dated: bool, listed: bool) -> bool:
    """Whether the stored label is to be replaced: by what was listed, or by an event whose time can be believed or not."""
    if listed:
        newer = row["seen_at"] > old.seen_at
    elif old.deleted_at is not None:
        # A late copy of an event from before the deletion must not bring the label back; the next listing may.
        newer = dated and row["updated_at"] > old.deleted_at
    else:
        newer = row["updated_at"] >= old.updated_at
    return bool(newer) and _told(row) != _told(dict(old._mapping))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """What the source says of a label; when it said so is ours."""
    return {name: value for name, value in row.items() if name not in ("seen_at", "missing_since")}


def _tasks_changed(old: Row[Any] | None, row: dict[str, Any]) -> set[int]:
    """The tasks for which there is something else to train on afterwards."""
    before = _content(dict(old._mapping)) if old is not None else None
    after = _content(row)
    return set() if before == after else {content[0] for content in (before, after) if content is not None}


def _content(row: dict[str, Any]) -> tuple[int, Any] | None:
    """What a training would see of the label; None when it is deleted or skipped."""
    return None if row["deleted_at"] is not None or row["skipped"] else (row["task"], row["result"])


def _write(connection: Connection, project: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert = upsert(connection, labels)
        replaced = {column.name: insert.excluded[column.name] for column in labels.c if not column.primary_key}
        connection.execute(insert.on_conflict_do_update(index_elements=["project", "id"], set_=replaced), rows)
        live = ((row["id"], row["task"], row["deleted_at"] is None and not row["skipped"]) for row in rows)
        mark_pending(connection, project, live)


def _groups_of(connection: Connection, project: int, ids: set[int]) -> set[GroupKey]:
    """Where the tasks belong; one that is not known yet brings its labels along when it comes."""
    if not ids:
        return set()
    mine = (tasks.c.project == project, tasks.c.id.in_(ids))
    return {(project, name) for name in connection.execute(select(tasks.c.group).where(*mine).distinct()).scalars()}
