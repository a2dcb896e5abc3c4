import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backend.sqlite_files import damage, set_aside_damaged
from tests.model_registry.workers import in_processes

GARBAGE = b"no database " * 1000


def sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE a (b)")
        connection.executemany("INSERT INTO a VALUES (?)", [("x" * 900,) for _ in range(50)])
        connection.commit()


def try_it(path: str) -> str | None:
    aside = set_aside_damaged(Path(path))
    return str(aside) if aside else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def test_nothing_is_wrong_with_a_file_that_is_sound_empty_or_missing(file: Path) -> None:
    assert damage(file) is None
    file.touch()
    assert damage(file) is None
    sound(file)
    assert damage(file) is None
    assert set_aside_damaged(file) is None
    assert file.exists()


def test_a_page_in_the_middle_is_noticed(file: Path) -> None:
    sound(file)
    content = bytearray(file.read_bytes())
    content[4096 : 4096 + 200] = b"\xff" * 200
    file.write_bytes(content)
    assert damage(file)
    aside = set_aside_damaged(file)
    assert aside is not None
    assert aside.read_bytes() == bytes(content)
    assert not file.exists()


def test_a_file_that_somebody_writes_to_is_left_alone(file: Path) -> None:
    sound(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert set_aside_damaged(file) is None
    assert file.exists()


def test_twice_in_a_second_are_two_files(file: Path) -> None:
    names = set()
    for _ in range(3):
        file.write_bytes(GARBAGE)
        names.add(set_aside_damaged(file))
    assert len(names) == 3
    assert None not in names


def test_of_processes_that_try_at_once_one_sets_it_aside(file: Path) -> None:
    file.write_bytes(GARBAGE)
    found = in_processes(try_it, *((str(file),) for _ in range(3)))
    assert sum(name is not None for name in found) == 1
