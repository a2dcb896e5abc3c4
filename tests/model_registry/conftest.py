"""A registry on SQLite, and the same on PostgreSQL (see `tests.engines` for which)."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from model_registry import LabelRecord, Registry, TaskRecord, open_registry
from model_registry.database import open_database
from tests.engines import own_schema, postgres_at_hand


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def postgres_schema() -> Iterator[str]:
    """URL of a schema of this run's own."""
    with postgres_at_hand() as postgres, own_schema(postgres) as schema:
        yield schema


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry file without content, to copy: faster than to migrate one for every test."""
    path = tmp_path_factory.mktemp("registry") / "template.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a registry without content."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "registry.db")
        yield f"sqlite:///{tmp_path}/registry.db"
        return
    schema = request.getfixturevalue("postgres_schema")
    open_database(schema).close()
    yield schema
    _on(schema, "TRUNCATE projects, workers CASCADE")


@pytest.fixture
def fresh_url(url: str, tmp_path: Path) -> Iterator[str]:
    """URL of a registry that was never opened."""
    if url.startswith("sqlite"):
        (tmp_path / "registry.db").unlink()
        yield url
        return
    drop = "DROP SCHEMA {0} CASCADE; CREATE SCHEMA {0}".format(url.rpartition("%3D")[2])
    _on(url, drop)
    yield url
    _on(url, drop)
    open_database(url).close()


def _on(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(url: str, tmp_path: Path, clock: Clock) -> Iterator[Registry]:
    with open_registry(url, str(tmp_path / "artifacts"), clock) as opened:
        yield opened


def task(id: int, group: str = "a", project: int = 1, **data: object) -> TaskRecord:
    return TaskRecord(id, project, group, {"image": f"{id}.jpg", **data})


def label(
    id: int, task: int, value: object = 0, at: float = 10.0, skipped: bool = False, **details: object
) -> LabelRecord:
    return LabelRecord(id, 1, task, [{"value": value}], skipped, at, details)
