"""A backup, restored onto an empty machine: nothing is missing, on either engine and from one to the other."""

import json
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text

from backend.errors import BackupError
from backend.types import Weights
from model_registry import Lease, LedgerEntry, Registry, backup, open_registry, restore_registry
from model_registry.tables import metadata
from tests.engines import own_schema, postgres_at_hand
from tests.model_registry.conftest import label, task
from tests.model_registry.workers import begin

WEIGHTS = Weights({"w": np.arange(6, dtype=np.float32)}, {"labels": '["bunny"]'})


@pytest.fixture
def full(registry: Registry) -> Registry:
    """With rows in every table that has any, odd values among them."""
    registry.projects.configure(1, config="<View/>", settings={"api_key": "secret", "title": "Häschen \u2028 🐇"})
    registry.record_event(
        1, [task(1, odd='"\n\\'), task(2), task(3, "b\tgroup")], [label(10, 1), label(11, 2)], "r", None
    )
    registry.leases.take(Lease(1, "a", "me"), 60)
    for n in range(3):
        version = begin(registry)
        registry.versions.promote(
            version.id, "me", registry.artifacts.write(WEIGHTS), {"f1": n, "deep": {"x": [None]}}, 1.5
        )
    registry.groups.mark_failed(Lease(1, "a", "me"), 1, "broken", None)  # due at infinity
    registry.versions.pin(1, "a")
    registry.ledger.record(1, [LedgerEntry(1, 1, None, [{"x": 1}], 0.25, {"boxes": 1}, "v", 1000.0, 0.5)])
    registry.features.record(1, {1: ("source", np.arange(4).astype(np.float16))})
    return registry


def rows(registry: Registry) -> dict[str, list[tuple[Any, ...]]]:
    """All tables, row by row."""
    with registry._database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


def artifacts(registry: Registry) -> dict[str, bytes]:
    return {v.artifact.uri: registry.artifacts.content(v.artifact) for v in registry.checkup.stored() if v.artifact}


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a registry that was never opened."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty machine/registry.db"
        return
    with ExitStack() as stack:
        yield stack.enter_context(own_schema(stack.enter_context(postgres_at_hand())))


def test_nothing_is_missing_on_an_empty_machine(full: Registry, elsewhere: str, tmp_path: Path) -> None:
    before, weights = rows(full), artifacts(full)
    assert all(
        before[name] for name in ("projects", "groups", "tasks", "labels", "versions", "ledger", "pins", "features")
    )
    kept = full.backup(tmp_path / "backup")
    assert (kept.rows, kept.artifacts, kept.damaged) == (sum(map(len, before.values())), 3, ())
    full.close()
    shutil.rmtree(tmp_path / "artifacts")
    assert restore_registry(elsewhere, str(tmp_path / "new artifacts"), tmp_path / "backup") == kept
    with open_registry(elsewhere, str(tmp_path / "new artifacts")) as restored:
        assert rows(restored) == before
        assert artifacts(restored) == weights
        serving = restored.versions.serving(1, "a")["boxes"]
        assert serving.artifact is not None
        assert restored.artifacts.read(serving.artifact).metadata == WEIGHTS.metadata


def test_an_id_is_not_given_twice_after_a_restore(full: Registry, elsewhere: str, tmp_path: Path) -> None:
    highest = max(v.id for v in full.versions.history(1, "a"))
    full.projects.delete(1)
    full.backup(tmp_path / "backup")
    restore_registry(elsewhere, str(tmp_path / "new"), tmp_path / "backup")
    with open_registry(elsewhere, str(tmp_path / "new")) as restored:
        restored.record_event(1, [task(1)], [], "r", None)
        restored.leases.take(Lease(1, "a", "me"), 60)
        assert begin(restored).id > highest


@pytest.mark.slow
def test_it_is_one_state_while_others_go_on_writing(full: Registry, tmp_path: Path) -> None:
    """Each event adds a task and a label in one transaction: half of one must not be in the backup."""
    stop, written = threading.Event(), []

    def write() -> None:
        for n in range(100, 100_000):
            if stop.is_set():
                return
            full.record_event(1, [task(n)], [label(n, n)], "r", None)
            written.append(n)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written:
            stop.wait(0.01)
        for n in range(3):
            full.backup(tmp_path / f"backup {n}")
        while_copied = len(written)
    finally:
        stop.set()
        writer.join()
    assert while_copied > 1
    counts = []
    for n in range(3):
        url = f"sqlite:///{tmp_path}/restored {n}.db"
        restore_registry(url, str(tmp_path / f"new {n}"), tmp_path / f"backup {n}")
        with open_registry(url, str(tmp_path / f"new {n}")) as restored:
            tasks, labels = restored.tasks.ids(1), set(restored.labels.known(1))
        assert {id for id in tasks if id >= 100} == {id for id in labels if id >= 100}
        counts.append(len(tasks))
    assert counts == sorted(counts)
    assert counts[-1] > 3


def test_weights_that_are_deleted_meanwhile_belong_to_no_backup(
    full: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, tries = full.artifacts.content, []

    def collected_first(ref: Any) -> bytes:
        if not tries:
            tries.append(full.retention.forget_artifacts(0))
            assert full.artifacts.collect(full.retention.artifacts(), -1e12) == 2
        return content(ref)

    monkeypatch.setattr(full.artifacts, "content", collected_first)
    kept = full.backup(tmp_path / "backup")
    assert tries == [2]
    assert (kept.artifacts, kept.damaged) == (1, ())


def test_damaged_weights_are_said_and_keep_nothing_else_from_being_kept(full: Registry, tmp_path: Path) -> None:
    first = next(full.checkup.stored()).artifact
    assert first is not None
    path = tmp_path / "artifacts" / first.uri
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    kept = full.backup(tmp_path / "backup")
    assert (kept.artifacts, kept.damaged) == (2, (first.uri,))


def test_it_is_never_written_over_and_left_half(
    full: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.backup(tmp_path / "backup")
    with pytest.raises(BackupError, match="there already"):
        full.backup(tmp_path / "backup")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_write", full_disk)
    with pytest.raises(OSError, match="No space"):
        full.backup(tmp_path / "second")
    assert {path.name for path in tmp_path.iterdir() if "backup" in path.name or "second" in path.name} == {"backup"}


def test_it_is_readable_by_its_owner_only(full: Registry, tmp_path: Path) -> None:
    full.backup(tmp_path / "backup")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "backup", *(tmp_path / "backup").rglob("*")]}
    assert modes == {0o700, 0o600}


def test_a_registry_that_is_not_empty_is_left_alone_unless_forced(
    full: Registry, elsewhere: str, tmp_path: Path
) -> None:
    before = rows(full)
    full.backup(tmp_path / "backup")
    with open_registry(elsewhere, str(tmp_path / "new")) as other:
        other.record_event(7, [task(70, project=7)], [], "r", None)
        mine = rows(other)
    with pytest.raises(BackupError, match=r"not empty.*groups.*--force"):
        restore_registry(elsewhere, str(tmp_path / "new"), tmp_path / "backup")
    with open_registry(elsewhere, str(tmp_path / "new")) as other:
        assert rows(other) == mine
    restore_registry(elsewhere, str(tmp_path / "new"), tmp_path / "backup", force=True)
    with open_registry(elsewhere, str(tmp_path / "new")) as other:
        assert rows(other) == before


@pytest.mark.parametrize("victim", ["tables/labels.jsonl", "artifacts", "manifest.json"])
@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    full: Registry, tmp_path: Path, victim: str, damage: str
) -> None:
    full.backup(tmp_path / "backup")
    path = tmp_path / "backup" / victim
    if path.is_dir():
        path = next(file for file in sorted(path.rglob("*")) if file.is_file())
    before = path.read_bytes()
    if damage == "missing":
        path.unlink()
        assert not path.exists()
    else:
        path.write_bytes(before[:50] + bytes([before[50] ^ 0xFF]) + before[51:])
        assert path.read_bytes() != before
    url = f"sqlite:///{tmp_path}/never/registry.db"
    with pytest.raises(BackupError, match=r"no backup|damaged|not whole"):
        restore_registry(url, str(tmp_path / "never written"), tmp_path / "backup")
    assert not list((tmp_path / "never written").rglob("*.safetensors"))
    assert not (tmp_path / "never").exists()


def test_a_backup_of_a_newer_release_is_refused(full: Registry, tmp_path: Path) -> None:
    full.backup(tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"schema": "9999"}))
    with pytest.raises(BackupError, match=r"9999.*Upgrade this program"):
        restore_registry(f"sqlite:///{tmp_path}/never.db", str(tmp_path / "x"), tmp_path / "backup")


def test_a_backup_of_an_older_release_is_brought_up_to_date(tmp_path: Path, elsewhere: str) -> None:
    """Schema 0002, as its release would have written it."""
    from model_registry.migrations import migrate

    url = f"sqlite:///{tmp_path}/old.db"
    old = backup.connect_database(url)
    with old.writing() as connection:
        migrate(connection, "0002")
        connection.execute(text("INSERT INTO projects (id, config, settings, generation) VALUES (1, '', '{}', 0)"))
        names = "project, name, rule, wanted, trained, published, trained_labels, attempts, forced"
        connection.execute(text(f"INSERT INTO groups ({names}) VALUES (1, 'a', 'r', 3, 2, 2, 5, 0, 0)"))
    columns = [column.name for column in metadata.tables["groups"].columns]
    with old.reading() as connection:
        there = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(groups)")}
        projects = connection.exec_driver_sql("SELECT * FROM projects").mappings().one()
        groups = connection.exec_driver_sql("SELECT * FROM groups").mappings().one()
    assert set(columns) - there == {"remark", "work", "deaths", "died_at", "kind"}
    folder = tmp_path / "backup"
    (folder / "tables").mkdir(parents=True)
    lines = {
        "projects": json.dumps({**projects, "settings": {}}) + "\n",
        "groups": json.dumps({**groups, "forced": False}) + "\n",
    }
    tables = {}
    for name, line in lines.items():
        (folder / "tables" / f"{name}.jsonl").write_text(line)
        tables[name] = {"rows": 1, "sha256": backup.hashlib.sha256(line.encode()).hexdigest()}
    manifest = {"format": 1, "schema": "0002", "tables": tables, "artifacts": [], "damaged": [], "next_ids": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    restore_registry(elsewhere, str(tmp_path / "x"), folder)
    with open_registry(elsewhere, str(tmp_path / "x")) as restored:
        [group] = restored.groups.all()
        assert (group.name, group.wanted, group.trained_labels, group.deaths, group.work) == ("a", 3, 5, 0, None)
    old.close()


def test_the_name_of_an_artifact_cannot_lead_elsewhere(full: Registry, tmp_path: Path) -> None:
    full.backup(tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    manifest = json.loads(path.read_bytes())
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    uri = os.path.relpath(secret, tmp_path / "backup" / "artifacts")
    sha256 = backup.hashlib.sha256(b"mine").hexdigest()
    path.write_text(json.dumps(manifest | {"artifacts": [{"uri": uri, "sha256": sha256, "nbytes": 4}]}))
    with pytest.raises(Exception, match="not the artifact of that name"):
        restore_registry(f"sqlite:///{tmp_path}/new.db", str(tmp_path / "x"), tmp_path / "backup")
