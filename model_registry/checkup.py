"""Integrity check of the database: damage of the file, rows that cannot be read, half versions."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Select, Table, Text, and_, cast, delete, or_, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from model_registry.database import CHUNK, Database
from model_registry.records import ArtifactRef, VersionState
from model_registry.tables import groups, metadata, versions

UNREADABLE = (json.JSONDecodeError, SQLAlchemyError, ValueError, TypeError)
NOT_MADE_AGAIN = ("projects", "groups")
"""Tables whose rows others hang on: to delete one would take these along."""
LINES = 20
"""Of SQLite's own report."""


STORED = [
    versions.c[name]
    for name in ("id", "project", "group", "control", "number", "artifact_uri", "artifact_sha256", "artifact_nbytes")
]
"""Columns of a `Stored`: none of those that may not be readable."""


@dataclass(frozen=True, slots=True)
class Stored:
    """As much of a version as is needed to look after its weights."""

    id: int
    project: int
    group: str
    control: str
    number: int
    artifact: ArtifactRef | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read."""

    table: str
    key: Mapping[str, Any]
    why: str

    @property
    def may_go(self) -> bool:
        """Whether it can be deleted: what it said comes again from Label Studio, or by the next training."""
        return self.table not in NOT_MADE_AGAIN


class Checkup:
    """What is wrong with the database, and small repairs."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def tables(self) -> list[str]:
        """Their names, as they hang on each other."""
        return [table.name for table in metadata.sorted_tables]

    def damage(self) -> list[str]:
        """What SQLite finds wrong with its file, in its words; PostgreSQL looks after itself."""
        if self._database.engine.dialect.name != "sqlite":
            return []
        with self._database.reading() as connection:
            lines = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA integrity_check({LINES})")]
            hanging = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(LINES)
        return [line for line in lines if line != "ok"] + [
            f"a row of {row[0]} hangs on none of {row[2]}" for row in hanging
        ]

    def unreadable(self, name: str) -> Iterator[BadRow]:
        """The rows of a table that cannot be read, a page at a time."""
        table, last = metadata.tables[name], None
        while keys := self._keys(table, last):
            try:
                self._read(table, keys)
            except UNREADABLE:
                yield from self._one_by_one(table, keys)
            last = keys[-1]

    def delete(self, row: BadRow) -> None:
        """Deletes a row that cannot be read; where it is a version, its group is trained again."""
        table = metadata.tables[row.table]
        mine = [table.c[name] == value for name, value in row.key.items()]
        with self._database.writing() as connection:
            if table is versions:
                of = select(versions.c.id).where(*mine, versions.c.project == groups.c.project)
                has = of.where(versions.c.group == groups.c.name).exists()
                connection.execute(update(groups).where(has).values(forced=True, due_at=None))
            connection.execute(delete(table).where(*mine))

    def left_in_training(self) -> list[Stored]:
        """Versions in training of groups that no worker holds."""
        free = or_(groups.c.lease_owner.is_(None), groups.c.lease_until <= self._clock())
        of = and_(groups.c.project == versions.c.project, groups.c.name == versions.c.group)
        return self._stored(select(*STORED).join(groups, of).where(versions.c.state == VersionState.TRAINING, free))

    def end(self, version: Stored) -> None:
        """Ends a version that was left in training."""
        mine = (versions.c.id == version.id, versions.c.state == VersionState.TRAINING)
        reason = "the worker ended before it finished"
        values = {"state": VersionState.FAILED, "reason": reason, "finished_at": self._clock()}
        with self._database.writing() as connection:
            connection.execute(update(versions).where(*mine).values(values))

    def serving_without_weights(self) -> list[Stored]:
        """Versions that serve, and have no artifact."""
        return self._stored(
            select(*STORED).where(versions.c.state == VersionState.SERVING, versions.c.artifact_uri.is_(None))
        )

    def stored(self) -> Iterator[Stored]:
        """All versions that have weights, by id, a page at a time."""
        last = 0
        while page := self._stored(
            select(*STORED).where(versions.c.artifact_uri.is_not(None), versions.c.id > last).limit(CHUNK)
        ):
            yield from page
            last = page[-1].id

    def _stored(self, query: Select[Any]) -> list[Stored]:
        with self._database.reading() as connection:
            return [
                Stored(
                    row.id,
                    row.project,
                    row.group,
                    row.control,
                    row.number,
                    ArtifactRef(row.artifact_uri, row.artifact_sha256, row.artifact_nbytes)
                    if row.artifact_uri
                    else None,
                )
                for row in connection.execute(query.order_by(versions.c.id))
            ]

    def _keys(self, table: Table, last: tuple[Any, ...] | None) -> list[tuple[Any, ...]]:
        """The primary keys of the next page."""
        key = list(table.primary_key)
        query = select(*key).order_by(*key).limit(CHUNK)
        if last is not None:
            query = query.where(tuple_(*key) > tuple_(*last) if len(key) > 1 else key[0] > last[0])
        with self._database.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def _read(self, table: Table, keys: list[tuple[Any, ...]]) -> None:
        key = list(table.primary_key)
        mine = tuple_(*key).in_(keys) if len(key) > 1 else key[0].in_([one[0] for one in keys])
        # As text: elsewhere what is no JSON is read as none, so that it costs its row alone.
        texts = [cast(column, Text) for column in table.columns if isinstance(column.type, JSON)]
        with self._database.reading() as connection:
            connection.execute(select(table).where(mine)).all()
            for row in connection.execute(select(*texts).where(mine)) if texts else ():
                for text in row:
                    json.loads("null" if text is None else text)

    def _one_by_one(self, table: Table, keys: list[tuple[Any, ...]]) -> Iterator[BadRow]:
        for one in keys:
            try:
                self._read(table, [one])
            except UNREADABLE as error:
                named = dict(zip((column.name for column in table.primary_key), one, strict=True))
                yield BadRow(table.name, named, f"{type(error).__name__}: {str(error)[:200]}")
