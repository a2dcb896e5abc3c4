"""What the doctor finds, and that it is well afterwards. Each fault is seen to be there before it is looked for."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backend.__main__ import app
from backend.commands import upkeep
from backend.loop.doctor import Finding, examine
from model_registry import Lease, VersionState
from tests.loop.house import House
from tests.model_registry.workers import begin

run = CliRunner().invoke


@pytest.fixture
def house(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = House(tmp_path, proposals=False)
    made.add_project()
    for task in range(1, 4):
        made.add_task(task)
        made.label(task)
        made.work()
    for path in artifacts(made):
        os.utime(path, (1000, 1000))
    monkeypatch.setattr(upkeep, "load_settings", lambda: made.settings)
    return made


def artifacts(house: House) -> list[Path]:
    return sorted(Path(house.settings.artifacts).rglob("*.safetensors"))


def found(house: House) -> list[Finding]:
    looked: list[str] = []
    findings = list(examine(house.settings, house.registry, looked.append))
    assert {"the database", "table labels", "the queue"} <= set(looked)
    return findings


def serving(house: House) -> Any:
    return house.registry.versions.serving(1, "clip")["label"]


def sql(house: House, statement: str) -> None:
    with sqlite3.connect(house.settings.folder / "registry.db") as connection:
        assert connection.execute(statement).rowcount >= 1
    connection.close()


def flip(house: House) -> None:
    path = Path(house.settings.artifacts, serving(house).artifact.uri)
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 0xFF]))
    assert path.read_bytes() != before


def remove(house: House) -> None:
    Path(house.settings.artifacts, serving(house).artifact.uri).unlink()


def no_weights(house: House) -> None:
    sql(house, "UPDATE versions SET artifact_uri = NULL WHERE state = 'serving'")


def left_in_training(house: House) -> None:
    assert house.registry.leases.take(Lease(1, "clip", "w"), 5)
    version = begin(house.registry, control="label", owner="w", group="clip")
    house.now += 6
    assert version.state == VersionState.TRAINING


def orphan(house: House) -> None:
    path = Path(house.settings.artifacts, "ab", "ab" + "0" * 30 + ".safetensors.part")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"half")
    os.utime(path, (-10_000, -10_000))


def unreadable_label(house: House) -> None:
    sql(house, "UPDATE labels SET result = '[{\"broken' WHERE task = 2")


def unreadable_version(house: House) -> None:
    sql(house, "UPDATE versions SET metrics = 'nonsense' WHERE number = 1")


def damaged_queue(house: House) -> None:
    (house.settings.folder / "queue.db").write_bytes(os.urandom(50_000))


def empty_picture(house: House) -> None:
    path = house.settings.folder / "media" / "ab" / "cd"
    path.parent.mkdir(parents=True)
    path.touch()
    os.utime(path, (1000, 1000))


FAULTS = [
    (flip, "hash"), (remove, "missing"), (no_weights, "has no weights"), (left_in_training, "no worker holds"),
    (orphan, "no version names"), (unreadable_label, "JSONDecodeError"), (unreadable_version, "JSONDecodeError"),
    (damaged_queue, "queue.db"), (empty_picture, "is empty"),
]  # fmt: skip


def test_nothing_is_wrong_with_what_is_well(house: House) -> None:
    assert found(house) == []
    answer = run(app, ["doctor"])
    assert answer.exit_code == 0
    assert "Nothing is wrong" in answer.output


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_it_is_found_told_and_mended(house: House, fault: Callable[[House], None], said: str) -> None:
    fault(house)
    [finding] = found(house)
    assert said in finding.what
    assert finding.mend is not None
    finding.mend()
    assert found(house) == []


def unreadable_serving(house: House) -> None:
    sql(house, "UPDATE versions SET recipe = '{' WHERE state = 'serving'")


@pytest.mark.parametrize("fault", [flip, remove, no_weights, unreadable_serving])
def test_a_group_without_sound_weights_is_trained_again(house: House, fault: Callable[[House], None]) -> None:
    before = serving(house)
    fault(house)
    [finding] = found(house)
    assert finding.mend is not None
    finding.mend()
    house.work()
    assert serving(house).id > before.id
    assert found(house) == []


def test_the_command_mends_what_it_is_told_to(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import model_registry

    monkeypatch.setattr(model_registry, "open_registry", lambda *_: house.registry)
    flip(house)
    damaged_queue(house)
    answer = run(app, ["doctor"])
    assert answer.exit_code == 1
    assert "2 can be mended" in answer.output
    assert run(app, ["doctor", "--fix"], input="n\n").exit_code == 1
    assert len(found(house)) == 2
    assert run(app, ["doctor", "--fix", "--yes"]).exit_code == 0
    assert run(app, ["doctor"]).exit_code == 0


def test_a_row_that_others_hang_on_is_not_deleted(house: House) -> None:
    sql(house, "UPDATE projects SET settings = '{\"api_key' WHERE id = 1")
    [finding] = found(house)
    assert finding.where.startswith("table projects")
    assert finding.mend is None
    assert run(app, ["doctor", "--fix", "--yes"]).exit_code == 1


def test_a_damaged_registry_is_a_finding_and_no_traceback(house: House) -> None:
    house.registry.close()
    path = house.settings.folder / "registry.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    answer = run(app, ["doctor"])
    assert answer.exit_code == 1
    assert "restore" in answer.output
    assert "Traceback" not in answer.output


def test_a_store_that_is_away_is_told_once_and_nothing_is_mended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("nobody there")

    monkeypatch.setattr(house.registry.artifacts._files, "cat_file", away)
    monkeypatch.setattr(house.registry.artifacts._files, "find", away)
    findings = found(house)
    assert len(findings) == 2
    assert all("nobody there" in one.what and one.mend is None for one in findings)


def test_backup_and_restore_by_command(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = run(app, ["backup", str(tmp_path / "backup")])
    assert answer.exit_code == 0, answer.output
    assert "the weights of 3 versions" in answer.output.replace("\n", " ")
    settings = house.settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    for name in ("database", "artifacts", "folder"):
        settings.__dict__.pop(name, None)
    monkeypatch.setattr(upkeep, "load_settings", lambda: settings)
    answer = run(app, ["restore", str(tmp_path / "backup")])
    assert answer.exit_code == 0, answer.output
    assert len(list((tmp_path / "elsewhere" / "artifacts").rglob("*.safetensors"))) == 3
    assert run(app, ["doctor"]).exit_code == 0
