"""Backup and restore: all tables as lines of JSON, the same for every engine, and the artifacts that they name.

A backup is a folder:

    manifest.json        format, schema, what belongs to it with hashes; written last
    tables/<name>.jsonl  one row a line, in the order of the primary key
    artifacts/ab/...     the weights, under the names that they have in the store

The rows are one state of the database, whatever is written meanwhile. It holds what the registry holds, API keys and
secrets among it, so it is readable by its owner only.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from backend.errors import ArtifactDamaged, BackupError
from model_registry.artifacts import Artifacts
from model_registry.database import CHUNK, Database, connect_database
from model_registry.migrations import HEAD, migrate, schema_of
from model_registry.records import ArtifactRef
from model_registry.rows import decoded, encoded
from model_registry.tables import metadata

FORMAT = 1
TRIES = 5
"""Snapshots that are tried: weights that are deleted as old while they are copied belong to no later one."""
MANIFEST = "manifest.json"
Report = Callable[[str], None]
"""Is told what is looked at or copied now, in words."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds."""

    rows: int
    artifacts: int
    nbytes: int
    """Of the artifacts."""
    damaged: tuple[str, ...]
    """Artifacts that were missing or damaged in the store already, and are not in it."""


def backup(database: Database, artifacts: Artifacts, folder: Path, report: Report = lambda _: None) -> Kept:
    """Writes a backup into a new folder, while others go on writing; raises BackupError, and leaves nothing half done."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(
            f"{folder} is there already. Expected the name of a new folder: a backup is never written over."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    try:
        for _ in range(TRIES):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(mode=0o700)
            if kept := _written(database, artifacts, aside, report):
                _flush(aside)
                if folder.exists():
                    folder.rmdir()
                aside.rename(folder)
                return kept
        raise BackupError(f"Weights were deleted during each of {TRIES} tries. Make the backup once more.")
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def restore(url: str, artifacts: Artifacts, folder: Path, force: bool = False, report: Report = lambda _: None) -> Kept:
    """Puts a backup into the registry of a URL and into an artifact store, all of it or nothing of the rows.

    Everything is verified before anything is written. Raises BackupError where the folder is no whole backup, where it is
    of a newer schema, and, unless with `force`, where the registry is not empty. Nobody else may use it meanwhile.
    """
    manifest = _verified(folder, report)
    database = connect_database(url)
    try:
        with database.writing() as connection:
            _make_room(connection, force)
            for ref in _refs(manifest):
                report(f"weights {ref.uri}")
                artifacts.put(ref, Path(folder, "artifacts", ref.uri).read_bytes())
            migrate(connection, manifest["schema"])
            _fill(connection, folder, manifest, report)
            migrate(connection)
    finally:
        database.close()
    return _kept(manifest)


def _written(database: Database, artifacts: Artifacts, folder: Path, report: Report) -> Kept | None:
    """One try; None where weights went meanwhile that the snapshot names."""
    manifest: dict[str, Any] = {"format": FORMAT, "tables": {}, "artifacts": [], "damaged": [], "next_ids": {}}
    for name in ("tables", "artifacts"):
        (folder / name).mkdir(mode=0o700)
    refs: list[ArtifactRef] = []
    with database.snapshot() as connection:
        manifest |= {"schema": schema_of(connection), "engine": connection.dialect.name}
        for table in metadata.sorted_tables:
            report(f"table {table.name}")
            manifest["tables"][table.name] = _write_table(connection, table, folder)
            manifest["next_ids"] |= _last_id(connection, table)
        versions = metadata.tables["versions"].c
        named = (versions.artifact_uri, versions.artifact_sha256, versions.artifact_nbytes)
        refs = [
            ArtifactRef(*row) for row in connection.execute(select(*named).where(versions.artifact_uri.is_not(None)))
        ]
    for ref in refs:
        report(f"weights {ref.uri}")
        try:
            content = artifacts.content(ref)
        except ArtifactDamaged:
            if not _is_named(database, ref):
                return None
            manifest["damaged"].append(ref.uri)
            continue
        path = folder / "artifacts" / ref.uri
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write(path, content)
        manifest["artifacts"].append(asdict(ref))
    _write(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    return _kept(manifest)


def _write_table(connection: Connection, table: Table, folder: Path) -> dict[str, Any]:
    """Writes a table's rows; their number and the file's hash."""
    found, rows = hashlib.sha256(), 0
    with _private(folder / "tables" / f"{table.name}.jsonl") as file:
        for row in connection.execute(
            select(table).order_by(*table.primary_key), execution_options={"yield_per": CHUNK}
        ):
            line = encoded(table, dict(row._mapping))
            found.update(line)
            file.write(line)
            rows += 1
    return {"rows": rows, "sha256": found.hexdigest()}


def _last_id(connection: Connection, table: Table) -> dict[str, list[Any]]:
    """{table: its column of ids and the highest id ever given} where the database gives them: none is given twice."""
    column = table.autoincrement_column
    if column is None or not column.autoincrement:
        return {}
    highest = connection.execute(select(func.max(column))).scalar() or 0
    names, given = {"name": table.name, "column": column.name}, 0
    if connection.dialect.name == "postgresql":
        sequence = connection.execute(text("SELECT pg_get_serial_sequence(:name, :column)"), names).scalar_one()
        given = connection.execute(text(f"SELECT last_value FROM {sequence}")).scalar_one()
    elif connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first():
        given = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), names).scalar() or 0
    return {table.name: [column.name, max(highest, given)]}


def _is_named(database: Database, ref: ArtifactRef) -> bool:
    versions = metadata.tables["versions"].c
    with database.reading() as connection:
        return connection.execute(select(versions.id).where(versions.artifact_uri == ref.uri)).first() is not None


def _verified(folder: Path, report: Report) -> dict[str, Any]:
    """The manifest of a whole backup; raises BackupError."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        known, schema = manifest["format"], str(manifest["schema"])
        tables, refs = dict(manifest["tables"]), _refs(manifest)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BackupError(
            f"{folder} is no backup: {MANIFEST} cannot be read ({error}). Expected a folder that `micro-models backup` made."
        ) from error
    if known != FORMAT or schema > HEAD:
        raise BackupError(
            f"{folder} has format {known} and schema {schema}; this program knows format {FORMAT} and schemas up to {HEAD}: "
            "a newer release wrote it. Upgrade this program."
        )
    for name, about in tables.items():
        report(f"verifying table {name}")
        _check(folder / "tables" / f"{name}.jsonl", about["sha256"])
    for ref in refs:
        report(f"verifying weights {ref.uri}")
        _check(folder / "artifacts" / ref.uri, ref.sha256)
    return manifest


def _check(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BackupError(f"The backup is not whole: {path} cannot be read ({error}). Use another one.") from error
    if found != sha256:
        raise BackupError(f"The backup is damaged: {path} has hash {found}, expected {sha256}. Use another one.")


def _make_room(connection: Connection, force: bool) -> None:
    """Raises BackupError where the database holds a row of ours, else, or with `force`, drops our tables."""
    there = MetaData()
    there.reflect(connection, only=lambda name, _: name in {*metadata.tables, "alembic_version"})
    full = [
        table.name
        for table in there.sorted_tables
        if table.name != "alembic_version" and connection.execute(select(table).limit(1)).first()
    ]
    if full and not force:
        raise BackupError(
            f"The registry is not empty: {', '.join(full)} hold rows. Give a database of its own, or use --force, which "
            "deletes what is there."
        )
    there.drop_all(connection)


def _fill(connection: Connection, folder: Path, manifest: dict[str, Any], report: Report) -> None:
    """Fills the empty tables, as they were in the backup's schema."""
    there = MetaData()
    there.reflect(connection, only=list(manifest["tables"]))
    for table in there.sorted_tables:
        report(f"table {table.name}")
        with (folder / "tables" / f"{table.name}.jsonl").open("rb") as file:
            for rows in _chunks(file):
                connection.execute(insert(table), [decoded(table, row) for row in rows])
    for name, (column, last) in manifest["next_ids"].items():
        if last:
            _set_last_id(connection, name, column, last)


def _set_last_id(connection: Connection, table: str, column: str, last: int) -> None:
    if connection.dialect.name == "postgresql":
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": table, "column": column}
        )
        connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence.scalar_one(), "last": last})
    elif connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first():
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table})
        row = {"name": table, "last": last}
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), row)


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _refs(manifest: dict[str, Any]) -> list[ArtifactRef]:
    return [ArtifactRef(**one) for one in manifest["artifacts"]]


def _kept(manifest: dict[str, Any]) -> Kept:
    refs = _refs(manifest)
    rows = sum(table["rows"] for table in manifest["tables"].values())
    return Kept(rows, len(refs), sum(ref.nbytes for ref in refs), tuple(manifest["damaged"]))


@contextmanager
def _private(path: Path) -> Iterator[Any]:
    """A new file for its owner only, on the disk when it is closed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with _private(path) as file:
        file.write(content)


def _flush(folder: Path) -> None:
    """After a power cut the folders know their files."""
    for path in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
