"""Tasks: their data, and the group that each belongs to."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from model_registry.database import Database, chunks, plain, upsert
from model_registry.group_rows import GroupKey, ensure_groups, outdate, touch
from model_registry.labels import bury, labelled_tasks
from model_registry.missing import note_missing
from model_registry.projects import lock_project
from model_registry.records import TaskLike, TaskRecord
from model_registry.tables import ledger, tasks

COLUMNS = [tasks.c[name] for name in TaskRecord.__dataclass_fields__]
"""What a TaskRecord is made of."""


class Tasks:
    """The tasks of all projects. Each method is one transaction: pass a few thousand at a time, others wait for it."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def upsert(self, project: int, tasks: Iterable[TaskLike], rule: str) -> set[str]:
        """Stores the tasks and makes their groups; returns the groups whose labels changed.

        A task that moves to another group takes its labels along, so both groups are to be trained again.
        """
        with self._database.writing() as connection:
            lock_project(connection, project)
            changed = upsert_tasks(connection, project, tasks, rule)
            touch(connection, changed, self._clock())
        return {name for _, name in changed}

    def delete(self, project: int, ids: Iterable[int], at: float | None = None) -> set[str]:
        """Forgets the tasks and deletes their labels; returns the groups whose labels changed. See `Labels.delete`."""
        changed: set[GroupKey] = set()
        now, wanted = self._clock(), sorted(set(ids))
        if not wanted:
            return set()
        with self._database.writing() as connection:
            lock_project(connection, project)
            for chunk in chunks(wanted):
                changed |= bury(connection, project, at, now, tasks_=chunk)
                connection.execute(delete(ledger).where(ledger.c.project == project, ledger.c.task.in_(chunk)))
                connection.execute(delete(tasks).where(tasks.c.project == project, tasks.c.id.in_(chunk)))
            touch(connection, changed, now)
        return {name for _, name in changed}

    def get(self, project: int, id: int) -> TaskRecord | None:
        """The project's task, or None."""
        query = select(*COLUMNS).where(tasks.c.project == project, tasks.c.id == id)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _record(row) if row else None

    def of_group(self, project: int, group: str) -> list[TaskRecord]:
        """The group's tasks, by id."""
        query = select(*COLUMNS).where(tasks.c.project == project, tasks.c.group == group).order_by(tasks.c.id)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query)]

    def first_of_groups(self, project: int, groups: Iterable[str]) -> dict[str, TaskRecord]:
        """The task with the lowest id of each of these groups, some hundreds at most; groups without one are left out."""
        mine = (tasks.c.project == project, tasks.c.group.in_(list(groups)))
        first = select(func.min(tasks.c.id)).where(*mine).group_by(tasks.c.group)
        query = select(*COLUMNS).where(tasks.c.project == project, tasks.c.id.in_(first))
        with self._database.reading() as connection:
            return {row.group: _record(row) for row in connection.execute(query)}

    def ids(self, project: int) -> set[int]:
        """Ids of the project's tasks."""
        with self._database.reading() as connection:
            return set(connection.execute(select(tasks.c.id).where(tasks.c.project == project)).scalars())

    def mended(self, project: int, ids: Iterable[int]) -> set[str]:
        """Nothing is wrong with the tasks any more; returns their groups, which are trained again where one of the tasks
        is labelled, else published again."""
        with self._database.writing() as connection:
            lock_project(connection, project)
            mine = (tasks.c.project == project, tasks.c.id.in_(list(ids)), tasks.c.problem.is_not(None))
            found = connection.execute(
                update(tasks).where(*mine).values(problem=None).returning(tasks.c.id, tasks.c.group)
            )
            homes = {row.id: row.group for row in found}
            labelled = {homes[id] for id in labelled_tasks(connection, project, list(homes))}
            outdate(connection, project, set(homes.values()) - labelled)
            touch(connection, [(project, name) for name in labelled], self._clock())
        return set(homes.values())

    def note_missing(self, project: int, ids: Collection[int], at: float) -> dict[int, float]:
        """Notes what a listing made at `at` lacked; returns since when each has been missing, by id."""
        with self._database.writing() as connection:
            lock_project(connection, project)
            return note_missing(connection, tasks, project, ids, at)

    def set_problems(self, project: int, problems: Mapping[int, str | None]) -> None:
        """Notes why tasks of the project cannot be used, or that they can (None)."""
        rows = [{"id_": id, "text": text} for id, text in problems.items()]
        if not rows:
            return
        mine = (tasks.c.project == project, tasks.c.id == bindparam("id_"))
        statement = update(tasks).where(*mine).values(problem=bindparam("text"))
        with self._database.writing() as connection:
            connection.execute(statement, rows)


def upsert_tasks(connection: Connection, project: int, seen: Iterable[TaskLike], rule: str) -> set[GroupKey]:
    """Stores the tasks; returns the groups whose labels changed by it. The caller has locked the project."""
    changed: set[GroupKey] = set()
    for chunk in chunks({task.id: task for task in seen}.values()):
        mine = (tasks.c.project == project, tasks.c.id.in_([task.id for task in chunk]))
        stored = {row.id: row for row in connection.execute(select(tasks).where(*mine))}
        ensure_groups(connection, project, (task.group for task in chunk), rule)
        rows = [row for task in chunk if (row := _changed_row(project, task, stored.get(task.id)))]
        if rows:
            insert = upsert(connection, tasks)
            replaced = {column: insert.excluded[column] for column in ("group", "data", "problem")}
            connection.execute(insert.on_conflict_do_update(index_elements=["project", "id"], set_=replaced), rows)
        homes = {row["id"]: (project, row["group"]) for row in rows}
        before = {id: (project, row.group) for id, row in stored.items()}
        # New media or a new home: what was predicted there, if anything, does not stand any more.
        outdate(connection, project, (row["group"] for row in rows))
        moved = [id for id, home in homes.items() if before.get(id) != home]
        for id in labelled_tasks(connection, project, moved):
            changed |= {homes[id]} | ({before[id]} if id in before else set())
    return changed


def _changed_row(project: int, task: TaskLike, stored: Row[Any] | None) -> dict[str, Any] | None:
    """The row to write for a task, or None where it is stored like that already."""
    data = plain(dict(task.data))
    row = {"id": task.id, "project": project, "group": task.group, "data": data, "problem": None}
    if stored is None:
        return row
    if (stored.group, stored.data) == (task.group, data):
        return None
    # What was wrong with a task was found with its data: it holds as long as they do.
    return row | {"problem": stored.problem if stored.data == data else None}


def _record(row: Row[Any]) -> TaskRecord:
    return TaskRecord(**row._mapping)
