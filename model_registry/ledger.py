"""The ledger: what was published for each task and which versions made it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from model_registry.database import Database, chunks
from model_registry.projects import lock_project
from model_registry.reviewed import LedgerEntry
from model_registry.tables import ledger

KEPT = 5
"""Entries of a task: enough to compare what a person changed with what was shown over the last rounds."""


class Ledger:
    """What was published, for all projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, project: int, entries: Iterable[LedgerEntry]) -> None:
        """Notes what was published; of each task, the last 5 entries are kept. Many are several transactions."""
        for chunk in chunks(entries):
            with self._database.writing() as connection:
                lock_project(connection, project)
                connection.execute(insert(ledger), [_row(project, entry) for entry in chunk])
                _trim(connection, project, {entry.task for entry in chunk})

    def latest(self, project: int, task_ids: Iterable[int]) -> dict[int, LedgerEntry]:
        """The last entry of each of the tasks that has one, by task."""
        found: dict[int, LedgerEntry] = {}
        columns = [ledger.c[name] for name in LedgerEntry.__dataclass_fields__]
        with self._database.reading() as connection:
            for chunk in chunks(sorted(set(task_ids))):
                mine = (ledger.c.project == project, ledger.c.task.in_(chunk))
                last = select(func.max(ledger.c.id)).where(*mine).group_by(ledger.c.task)
                for row in connection.execute(select(*columns).where(ledger.c.id.in_(last))):
                    found[row.task] = LedgerEntry(**row._mapping)
        return found

    def scores(self, project: int, task_ids: Iterable[int]) -> dict[int, float]:
        """The score last published for each of the tasks that has one, by task."""
        found: dict[int, float] = {}
        with self._database.reading() as connection:
            for chunk in chunks(sorted(set(task_ids))):
                mine = (ledger.c.project == project, ledger.c.task.in_(chunk))
                last = select(func.max(ledger.c.id)).where(*mine).group_by(ledger.c.task)
                query = select(ledger.c.task, ledger.c.score).where(ledger.c.id.in_(last))
                found |= {row.task: row.score for row in connection.execute(query)}
        return found

    def earlier(self, project: int, task_ids: Iterable[int], before: float) -> set[int]:
        """Those of the tasks for which something was published before a time."""
        found: set[int] = set()
        with self._database.reading() as connection:
            for chunk in chunks(sorted(set(task_ids))):
                mine = (ledger.c.project == project, ledger.c.task.in_(chunk), ledger.c.published_at < before)
                found |= set(connection.execute(select(ledger.c.task).where(*mine).distinct()).scalars())
        return found

    def kept(self, project: int, task_ids: Iterable[int]) -> dict[int, list[LedgerEntry]]:
        """All kept entries of each of the tasks that has one, by task, the newest first."""
        found: dict[int, list[LedgerEntry]] = {}
        columns = [ledger.c[name] for name in LedgerEntry.__dataclass_fields__]
        with self._database.reading() as connection:
            for chunk in chunks(sorted(set(task_ids))):
                mine = select(*columns).where(ledger.c.project == project, ledger.c.task.in_(chunk))
                for row in connection.execute(mine.order_by(ledger.c.id.desc())):
                    found.setdefault(row.task, []).append(LedgerEntry(**row._mapping))
        return found


def _row(project: int, entry: LedgerEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in LedgerEntry.__dataclass_fields__} | {"project": project}


def _trim(connection: Connection, project: int, ids: set[int]) -> None:
    rank = func.row_number().over(partition_by=ledger.c.task, order_by=ledger.c.id.desc())
    mine = (ledger.c.project == project, ledger.c.task.in_(ids))
    ranked = select(ledger.c.id, rank.label("rank")).where(*mine).subquery()
    old = select(ranked.c.id).where(ranked.c.rank > KEPT)
    connection.execute(delete(ledger).where(ledger.c.id.in_(old)))
