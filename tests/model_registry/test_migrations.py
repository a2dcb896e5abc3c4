"""What a step does to the rows that are there already, and what is left of an earlier release's registry."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    create_engine,
    func,
    select,
    text,
)

from model_registry import GroupKind, open_registry
from model_registry.database import open_database
from model_registry.migrations import HEAD, migrate, schema_of
from model_registry.records import PROJECT_GROUP

EARLIER = [f"{number:04}" for number in range(1, int(HEAD))]


@pytest.mark.parametrize("revision", EARLIER)
def test_a_registry_of_every_earlier_release_keeps_all_rows(fresh_url: str, tmp_path: Path, revision: str) -> None:
    engine = create_engine(fresh_url)
    with engine.begin() as connection:
        migrate(connection, revision)
        before = filled(connection)
        before.pop("features", None)  # they are computed again
    engine.dispose()
    with open_registry(fresh_url, str(tmp_path / "artifacts")) as registry:
        assert registry.projects.get(1) is not None
        assert [group.name for group in registry.groups.all(1)] == ["a"]
        assert [label.result for label in registry.labels.of_group(1, "a")] == [[{"value": 1}]]
        assert [version.number for version in registry.versions.history(1, "a")] == [1]
    database = open_database(fresh_url)
    with database.reading() as connection:
        assert schema_of(connection) == HEAD
        after = {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar() for name in before}
    database.close()
    assert after == before


def filled(connection: Connection) -> dict[str, int]:
    """Puts one row into each table; {table: rows}."""
    found = MetaData()
    found.reflect(connection)
    tables = [table for table in found.sorted_tables if table.name != "alembic_version"]
    for table in tables:
        connection.execute(table.insert().values(row_of(table)))
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


def row_of(table: Table) -> dict[str, Any]:
    """A value for each column that needs one; what refers to another row finds it."""
    return {each.name: value_of(each) for each in table.columns if is_needed(each)}


def is_needed(column: Column[Any]) -> bool:
    return column.primary_key or column.name in ("task", "group") or not (column.nullable or column.server_default)


def value_of(column: Column[Any]) -> Any:
    if column.name == "result":
        return [{"value": 1}]
    if isinstance(column.type, JSON):
        return {}
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, LargeBinary):
        return b"a"
    return "serving" if column.name == "state" else "a" if column.type.python_type is str else 1


REASONS = {
    "the worker ended before it finished": "interrupted",
    "Newer labels came early in the training; it starts again with them.": "interrupted",
    "A group needs the worker; what is for the whole project waits.": "interrupted",
    "SystemExit: 1": "interrupted",
    "The loss became nan": "failed",
}


def test_interrupted_versions_are_told_from_failed_ones(fresh_url: str) -> None:
    engine = create_engine(fresh_url)
    with engine.begin() as connection:
        migrate(connection, "0002")
        connection.execute(text("INSERT INTO projects (id, config, settings, generation) VALUES (1, '', '{}', 0)"))
        group = (
            "INSERT INTO groups (project, name, rule, wanted, trained, published, trained_labels, attempts, forced, "
        )
        group += "failed_revision, reason) VALUES (1, :name, '', 1, 1, 1, 0, 0, false, :failed, :reason)"
        connection.execute(text(group), {"name": "a", "failed": None, "reason": "task 3: no box"})
        connection.execute(text(group), {"name": "b", "failed": 1, "reason": "HTTP 500"})
        version = (
            'INSERT INTO versions (project, "group", control, head, number, state, start, label_revision, labels, '
        )
        version += "fingerprint, metrics, recipe, rolled_back, created_at, reason) VALUES "
        version += "(1, 'a', 'c', 'h', :n, 'failed', 's', 1, 1, 'f', '{}', '{}', false, 0, :reason)"
        connection.execute(text(version), [{"n": n, "reason": reason} for n, reason in enumerate(REASONS)])
    engine.dispose()
    database = open_database(fresh_url)
    with database.reading() as connection:
        assert dict(connection.execute(text("SELECT reason, state FROM versions")).all()) == REASONS  # type: ignore[arg-type]
        remarks = connection.execute(text("SELECT remark FROM groups ORDER BY name")).scalars().all()
    database.close()
    assert remarks == ["task 3: no box", None]


def test_the_group_that_stands_for_a_project_is_found_again_by_its_kind(fresh_url: str, tmp_path: Path) -> None:
    engine = create_engine(fresh_url)
    with engine.begin() as connection:
        migrate(connection, "0006")
        connection.execute(text("INSERT INTO projects (id, config, settings, generation) VALUES (1, '', '{}', 1)"))
        group = (
            "INSERT INTO groups (project, name, rule, wanted, trained, published, trained_labels, attempts, forced) "
        )
        group += "VALUES (1, :name, 'r', 1, 1, 1, 0, 0, false)"
        version = (
            'INSERT INTO versions (project, "group", control, head, number, state, start, label_revision, labels, '
        )
        version += "fingerprint, metrics, recipe, rolled_back, created_at) VALUES "
        version += "(1, :name, 'c', 'h', 1, 'serving', 's', 1, 1, 'f', '{}', '{}', false, 0)"
        for name in ("a", PROJECT_GROUP):
            connection.execute(text(group), {"name": name})
            connection.execute(text(version), {"name": name})
    engine.dispose()
    with open_registry(fresh_url, str(tmp_path / "artifacts")) as registry:
        found = registry.groups.of_project(1)
        assert found is not None
        assert (found.name, found.kind, found.trained) == (PROJECT_GROUP, GroupKind.PROJECT, 1)
        assert {group.name: group.kind for group in registry.groups.all(1)} == {
            "a": GroupKind.TASKS,
            PROJECT_GROUP: GroupKind.PROJECT,
        }
        assert registry.versions.project_models(1)["c"].kind is GroupKind.PROJECT
        assert registry.versions.serving(1, "a")["c"].kind is GroupKind.TASKS


def test_scores_of_before_calibration_are_found_under_their_new_name(fresh_url: str, tmp_path: Path) -> None:
    engine = create_engine(fresh_url)
    with engine.begin() as connection:
        migrate(connection, "0007")
        connection.execute(text("INSERT INTO projects (id, config, settings, generation) VALUES (1, '', '{}', 1)"))
        entry = "INSERT INTO ledger (project, task, result, score, versions, model_version, published_at, raw) "
        entry += "VALUES (1, :task, '[]', 0.5, '{}', 'm', 0, :raw)"
        connection.execute(text(entry), [{"task": 1, "raw": 0.25}, {"task": 2, "raw": None}])
    engine.dispose()
    with open_registry(fresh_url, str(tmp_path / "artifacts")) as registry:
        entries = registry.ledger.latest(1, [1, 2])
        assert [entries[task].uncalibrated_score for task in (1, 2)] == [0.25, None]
        assert [entries[task].model_score for task in (1, 2)] == [0.25, 0.5]
