"""What a step does to the rows that are there already."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

import model_registry.migrations
from model_registry import GroupKind, open_registry
from model_registry.database import open_database
from model_registry.records import PROJECT_GROUP


def brought_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(model_registry.migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


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
        brought_to(connection, "0002")
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
        brought_to(connection, "0006")
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
        brought_to(connection, "0007")
        connection.execute(text("INSERT INTO projects (id, config, settings, generation) VALUES (1, '', '{}', 1)"))
        entry = "INSERT INTO ledger (project, task, result, score, versions, model_version, published_at, raw) "
        entry += "VALUES (1, :task, '[]', 0.5, '{}', 'm', 0, :raw)"
        connection.execute(text(entry), [{"task": 1, "raw": 0.25}, {"task": 2, "raw": None}])
    engine.dispose()
    with open_registry(fresh_url, str(tmp_path / "artifacts")) as registry:
        entries = registry.ledger.latest(1, [1, 2])
        assert [entries[task].uncalibrated_score for task in (1, 2)] == [0.25, None]
        assert [entries[task].model_score for task in (1, 2)] == [0.25, 0.5]
