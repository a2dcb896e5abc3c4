"""The command line: what it prints, and that it says what is wrong in one line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend import __main__ as command_line
from backend.__main__ import app
from tests.loop.house import House

run = CliRunner().invoke


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(tmp_path)
    monkeypatch.setattr(command_line, "_services", lambda *_: house.services)
    return house


def test_every_command_has_help() -> None:
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        answer = run(app, [name, "--help"])
        assert answer.exit_code == 0
        assert name in answer.output


def test_status_without_a_project_says_what_to_do(house: House) -> None:
    assert "micro-models connect" in run(app, ["status"]).output


def test_status_shows_groups_and_the_rule_that_made_them(house: House) -> None:
    house.add_project()
    house.add_task(1)
    house.label(1)
    output = run(app, ["status", "--project", "1"], env={"COLUMNS": "160"}).output
    assert "clip" in output
    assert "well-known field 'video'" in output
    assert "queued" in output
    assert "1 of 1" in output


def test_train_asks_for_labelled_groups_only(house: House) -> None:
    house.add_project()
    house.add_task(1)
    house.add_task(2, video="other")
    house.label(1)
    house.queue.groups.clear()
    assert "1 training" in run(app, ["train", "--project", "1"]).output
    assert house.queue.groups == [(1, "clip")]
    assert house.registry.groups.get(1, "clip").forced  # type: ignore[union-attr]


def test_expected_errors_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MICRO_MODELS_PORT", "abc")
    monkeypatch.setattr("sys.argv", ["micro-models", "status"])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert "MICRO_MODELS_PORT='abc'" in error
    assert "Traceback" not in error
