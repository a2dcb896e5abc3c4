import json
import math
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

import model_registry.migrations
from backend.errors import RegistryError
from model_registry import LabelRecord, Lease, TaskRecord, open_registry
from model_registry.database import chunks, open_database, plain, to_json
from model_registry.tables import metadata
from model_registry.text import storable
from tests.model_registry.workers import in_processes, open_and_count, record_labels

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_migrations_end_at_head_and_make_exactly_the_tables(fresh_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(model_registry.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == model_registry.migrations.HEAD
    database = open_database(fresh_url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_open_again_keeps_what_is_there(fresh_url: str, tmp_path: Path) -> None:
    for generation in range(2):
        with open_registry(fresh_url, str(tmp_path / "artifacts")) as registry:
            assert len(registry.projects.all()) == generation
            registry.projects.seen(1)


def test_what_an_older_schema_holds_is_kept(fresh_url: str, tmp_path: Path) -> None:
    engine = create_engine(fresh_url)
    config = Config()
    config.set_main_option("script_location", str(Path(model_registry.migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for row in (
            "projects (id, config, settings, generation) VALUES (1, 'c', '{}', 3)",
            "groups (project, name, rule, wanted, trained, published, trained_labels, attempts, forced) "
            "VALUES (1, 'a', 'r', 1, 1, 1, 1, 0, false)",
            "tasks (id, project, \"group\", data, problem) VALUES (7, 1, 'a', '{\"image\": \"7\"}', 'odd')",
            "labels (id, project, task, result, skipped, updated_at, details) VALUES (70, 1, 7, '[]', false, 5.0, '{}')",
            "labels (id, project, result, skipped, updated_at, deleted_at, details) "
            "VALUES (71, 1, '[]', false, 5.0, 6.0, '{}')",
            "ledger (project, task, result, score, versions, model_version, published_at) "
            "VALUES (1, 7, '[]', 0.5, '{}', 'm', 4.0)",
            "reviews (annotation, project, task, pending, annotator, round, created_at, shown, actions, accepted, labels, "
            "tallies) VALUES (70, 1, 7, true, '', 0, 5.0, false, 0, 0, 0, '[]')",
            "features (task, source, vector) VALUES (7, 'x', '')",
        ):
            connection.exec_driver_sql(f"INSERT INTO {row}")
    engine.dispose()
    with open_registry(fresh_url, str(tmp_path / "artifacts")) as registry:
        assert registry.projects.seen(1).generation == 3
        assert registry.tasks.get(1, 7) == TaskRecord(7, 1, "a", {"image": "7"}, "odd")
        assert registry.labels.of_group(1, "a") == [LabelRecord(70, 1, 7, [], updated_at=5.0)]
        assert [record.id for _, record in registry.reviews.pending(1, 9)] == [70]
        assert set(registry.ledger.latest(1, [7])) == {7}
        registry.labels.record(1, [LabelRecord(70, 1, 7, [{"listed": 1}], updated_at=4.0)], seen_at=10.0)
        assert registry.labels.of_group(1, "a")[0].result == [{"listed": 1}], "what is listed wins at once"


def test_newer_schema_is_refused_with_what_to_do(fresh_url: str) -> None:
    database = open_database(fresh_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(RegistryError, match=r"9999.*Upgrade this program"):
        open_database(fresh_url)


def test_sqlite_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "new folder 100%" / "registry.db"
    database = open_database(f"sqlite:///{path}")
    with database.writing() as connection:
        connection.execute(text("DELETE FROM projects"))
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    database.close()
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("", "SQLAlchemy URL"),
        ("registry.db", "SQLAlchemy URL"),
        ("nothing://x", "nothing"),
        ("mysql://x/y", "supported are sqlite and postgresql"),
        ("sqlite://", "plain file"),
        ("sqlite:///:memory:", "plain file"),
        ("postgresql://nobody@localhost:1/none", "cannot be opened"),
    ],
)
def test_unusable_url(bad: str, said: str) -> None:
    with pytest.raises(RegistryError, match=said):
        open_database(bad)


def test_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("something else entirely, and long enough to have a header" * 20)
    with pytest.raises(RegistryError, match="cannot be opened"):
        open_database(f"sqlite:///{path}")
    assert path.read_text().startswith("something else")


def test_a_failing_transaction_leaves_nothing(url: str) -> None:
    database = open_database(url)
    row = "(1, '', '{}', 0)"
    insert = text(f"INSERT INTO projects (id, config, settings, generation) VALUES {row}")

    def twice() -> None:
        with database.writing() as connection:
            connection.execute(insert)
            connection.execute(insert)

    with pytest.raises(IntegrityError):
        twice()
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM projects")).scalar() == 0
    database.close()


@given(st.text(st.characters(), max_size=20))
def test_storable_text_is_unicode_without_nul_and_changes_no_other(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    stored.encode()
    assert storable(stored) == stored
    assert len(stored) == len(text)
    assert all(after == before for before, after in zip(text, stored, strict=True) if before.isprintable())


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "\0", "x\udfff\0"])
def test_odd_text_fails_no_transaction(url: str, tmp_path: Path, odd: str) -> None:
    with open_registry(url, str(tmp_path)) as registry:
        tasks = [TaskRecord(1, 1, "plain", {}), TaskRecord(2, 1, odd, {"x": odd, odd: 1})]
        labels = [LabelRecord(1, 1, 1, []), LabelRecord(2, 1, 2, [{"id": odd}], details={"by": odd})]
        assert registry.record_event(1, tasks, labels, odd, None) == {"plain", storable(odd)}
        registry.projects.configure(1, config=odd, settings={"title": odd})
        registry.tasks.set_problems(1, {1: odd})
        assert registry.tasks.of_group(1, "plain")[0].problem == storable(odd)
        found = registry.groups.get(1, odd)
        assert found is not None
        assert (found.name, found.labelled) == (storable(odd), 1)
        assert registry.leases.take(Lease(1, odd, odd), 60)
        registry.groups.mark_failed(Lease(1, odd, odd), 1, odd, None)


def test_readers_do_not_wait_for_a_writer(url: str) -> None:
    database = open_database(url)
    with database.writing() as writer:
        writer.execute(text("INSERT INTO projects (id, config, settings, generation) VALUES (1, '', '{}', 0)"))
        with database.reading() as reader:
            assert reader.execute(text("SELECT count(*) FROM projects")).scalar() == 0
    database.close()


@pytest.mark.slow
def test_processes_open_a_fresh_registry_at_once(fresh_url: str, tmp_path: Path) -> None:
    counts = in_processes(open_and_count, *((fresh_url, str(tmp_path / "artifacts"), id) for id in range(4)))
    assert max(counts) == 4


@pytest.mark.slow
def test_no_label_of_concurrent_writers_is_lost(url: str, tmp_path: Path) -> None:
    artifacts = str(tmp_path / "artifacts")
    changed = in_processes(record_labels, *((url, artifacts, first, 30) for first in (0, 100, 200)))
    assert changed == [30, 30, 30]
    with open_registry(url, artifacts) as registry:
        group = registry.groups.get(1, "a")
        assert group is not None
        assert (group.wanted, group.labelled, len(registry.labels.known(1))) == (90, 90, 90)


def test_lookup_of_the_serving_version_reads_its_index(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/r.db").close()
    with sqlite3.connect(tmp_path / "r.db") as connection:
        query = "EXPLAIN QUERY PLAN SELECT * FROM versions WHERE project = 1 AND \"group\" = 'a' AND state = 'serving'"
        assert "ix_versions_serving" in str(connection.execute(query).fetchall())
    connection.close()


@given(JSON)
def test_json_is_valid_and_stable(value: object) -> None:
    written = to_json(value)
    assert to_json(json.loads(written, parse_constant=pytest.fail)) == written
    assert plain(plain(value)) == plain(value)


def test_json_of_numbers_that_are_not_finite() -> None:
    assert plain({"f1": math.nan, "xs": (1.5, math.inf)}) == {"f1": None, "xs": [1.5, None]}


@given(st.integers(0, 1700))
def test_chunks(count: int) -> None:
    parts = list(chunks(range(count)))
    assert [item for part in parts for item in part] == list(range(count))
    assert all(0 < len(part) <= 500 for part in parts)
