"""A registry that cannot be used says why in one line, writes nothing, and works again by itself where it can."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from backend.errors import RegistryUnavailable, StorageError
from backend.types import Weights
from model_registry import database as module
from model_registry import open_registry
from model_registry.artifacts import Artifacts
from model_registry.database import Database, open_database
from tests.disk import short_files, small_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A registry with a project in it."""
    path = tmp_path / "registry.db"
    with open_registry(f"sqlite:///{path}", str(tmp_path / "artifacts")) as registry:
        for project in range(1, 200):
            registry.projects.configure(project, config="<View/>" * 50)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def drop(table: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"DROP TABLE {table}")

    return damage


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(start: int, count: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[start : start + count] = b"\xa5" * count
        path.write_bytes(content)

    return damage


DAMAGES = {
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 100),
    "text": lambda path: path.write_text("something else"),
    "truncated": shorten,
    "truncated in its header": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "wrong header": overwrite(0, 16),
    "wrong first page": overwrite(100, 3000),
    "without tasks": drop("tasks"),
    "without workers": drop("workers"),
    "without its schema's number": drop("alembic_version"),
    "another program's": lambda path: [path.unlink(), sqlite3.connect(path).execute("CREATE TABLE projects (x)")],
}


@pytest.mark.parametrize("how", DAMAGES)
def test_damage_is_one_line_with_the_remedy_and_is_left_as_it_is(path: Path, how: str) -> None:
    DAMAGES[how](path)
    damaged = path.read_bytes()
    with pytest.raises(RegistryUnavailable, match=r"micro-models restore DIR") as caught:
        open_database(f"sqlite:///{path}")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes()[100:] == damaged[100:]  # the header notes that somebody tried


def test_damage_that_comes_while_it_is_open_is_told_too(path: Path) -> None:
    opened = open_database(f"sqlite:///{path}")
    overwrite(4096, 400_000)(path)
    opened.engine.dispose()  # another connection reads the file anew
    with pytest.raises(RegistryUnavailable, match="damaged"), opened.reading() as connection:
        connection.execute(text("SELECT count(*), max(length(config)) FROM projects")).one()
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)


def write(opened: Database, generation: int = 1) -> None:
    with opened.writing() as connection:
        connection.execute(text(f"UPDATE projects SET generation = {generation}"))


def generations(opened: Database) -> set[int]:
    with opened.reading() as connection:
        return set(connection.execute(text("SELECT generation FROM projects")).scalars())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_lock_of_another_process_is_told_and_passes(path: Path, mode: str) -> None:
    opened = open_database(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {mode}")
        with pytest.raises(RegistryUnavailable, match="locked by another process"):
            write(opened)
        with pytest.raises(RegistryUnavailable, match="locked by another process"):
            open_database(f"sqlite:///{path}")
        other.execute("ROLLBACK")
    write(opened)
    assert generations(opened) == {1}
    opened.close()


def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        url = f"sqlite:///{disk.folder}/registry.db"
        opened = open_database(url)
        disk.fill()
        insert = text("INSERT INTO projects (id, config, settings, generation) VALUES (1, :config, '{}', 0)")
        with pytest.raises(RegistryUnavailable, match="full"), opened.writing() as connection:
            connection.execute(insert, {"config": "x" * 2_000_000})
        assert generations(opened) == set()
        disk.empty()
        write(opened)
        opened.close()


def test_no_room_for_a_new_one(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        disk.fill()
        with pytest.raises(RegistryUnavailable, match="room"):
            open_database(f"sqlite:///{disk.folder}/registry.db")
        disk.empty()
        open_database(f"sqlite:///{disk.folder}/registry.db").close()


def test_a_read_only_disk_is_told_and_passes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        url = f"sqlite:///{disk.folder}/registry.db"
        opened = open_database(url)
        opened.close()
        disk.lock("ro")
        with pytest.raises(RegistryUnavailable, match=r"(?i)read-only"):
            open_database(url)
        disk.lock("rw")
        open_database(url).close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RegistryUnavailable, match=r"cannot be made: (Not a directory|File exists)"):
        open_database(f"sqlite:///{tmp_path}/file/registry.db")
    with pytest.raises(StorageError, match=r"File exists|Not a directory"):
        Artifacts(str(tmp_path / "file"), lambda: 0.0)


def test_weights_that_do_not_fit_leave_nothing_behind(tmp_path: Path) -> None:
    artifacts = Artifacts(str(tmp_path / "artifacts"), lambda: 0.0)
    weights = Weights({"w": np.ones(50_000, np.float32)}, {})
    with short_files(10_000), pytest.raises(StorageError, match="File too large"):
        artifacts.write(weights)
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []
    assert np.array_equal(artifacts.read(artifacts.write(weights)).arrays["w"], weights.arrays["w"])
