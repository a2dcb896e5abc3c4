"""The command line: what it prints, and that it says what is wrong in one line."""

import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from backend import __main__ as command_line
from backend.__main__ import app
from backend.commands import common
from tests.loop.conftest import quick  # noqa: F401
from tests.loop.house import House
from tests.loop.train.test_starts import add_clip

run = CliRunner().invoke


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(tmp_path)
    # Whatever terminal the tests run in: tables must not wrap.
    wide = Console(width=200)
    for module, name in ((command_line, "_services"), (common, "services")):
        monkeypatch.setattr(module, name, lambda *_: house.services)
        monkeypatch.setattr(module, "console", wide)
    return house


def test_every_command_has_help() -> None:
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        answer = run(app, [name, "--help"])
        assert answer.exit_code == 0
        assert name in answer.output


def test_status_without_a_project_says_what_to_do(house: House) -> None:
    assert "micro-models connect" in run(app, ["status"]).output


def test_status_says_that_no_worker_lives_and_why(house: House) -> None:
    assert "No worker has run yet" in run(app, ["status"]).output
    house.registry.workers.seen("here", house.now)
    assert "worker" not in run(app, ["status"]).output
    house.registry.workers.ended("here", "killed by SIGKILL [out of memory?]")
    house.now += 90
    assert "No worker runs since 90 s: killed by SIGKILL [out of memory?]" in run(app, ["status"]).output


def test_status_shows_groups_and_the_rule_that_made_them(house: House) -> None:
    house.add_project()
    house.add_task(1)
    house.label(1)
    output = run(app, ["status", "--project", "1"], env={"COLUMNS": "160"}).output
    assert "clip" in output
    assert "well-known field 'video'" in output
    assert "queued" in output
    assert "1 of 1" in output


@pytest.mark.usefixtures("quick")
def test_status_tells_what_groups_have_of_each_other(house: House) -> None:
    house.add_project()
    for name, first in (("a", 1), ("b", 37), ("c", 73)):
        add_clip(house, name, first, label=2 if name != "c" else 0)
    output = run(app, ["status", "--project", "1"], env={"COLUMNS": "160"}).output
    assert "from sibling" in output
    assert "project 1.00, learnt" in output
    assert re.search(r"proposed by [ab] v1", output)
    assert " all groups" not in output


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["train"],
        ["suggest"],
        ["disconnect"],
        ["forget", "--yes"],
        ["rollback", "--group", "clip"],
        ["pin", "--group", "clip"],
        ["unpin", "--group", "clip"],
    ],
)
def test_an_unknown_project_is_told_with_those_there_are_and_leaves_no_trace(house: House, command: list[str]) -> None:
    house.registry.projects.configure(4)
    answer = run(app, [*command, "--project", "99"])
    assert answer.exit_code == 1
    assert "connected are: 4" in str(answer.exception)
    assert [p.id for p in house.registry.projects.all()] == [4]


def test_a_phantom_of_an_older_release_can_be_forgotten(house: House) -> None:
    house.registry.projects.configure(99)
    house.studio.rows_of_backends.clear()
    assert run(app, ["forget", "--project", "99"], input="n\n").exit_code == 1
    assert len(house.registry.projects.all()) == 1
    answer = run(app, ["forget", "--project", "99"], input="y\n")
    assert answer.exit_code == 0
    assert "Project 99 is forgotten" in answer.output
    assert house.registry.projects.all() == []


def test_train_asks_for_labelled_groups_only(house: House) -> None:
    house.add_project()
    house.add_task(1)
    house.add_task(2, video="other")
    house.label(1)
    house.queue.groups.clear()
    assert "1 training" in run(app, ["train", "--project", "1"]).output
    assert house.queue.groups == [(1, "clip")]
    assert house.registry.groups.get(1, "clip").forced  # type: ignore[union-attr]


@pytest.mark.usefixtures("quick")
def test_suggest_names_frames_with_links(house: House) -> None:
    house.add_project()
    house.send("PROJECT_UPDATED")
    assert "Nothing left to label" in run(app, ["suggest", "--project", "1"]).output
    for task in range(1, 4):
        house.add_task(task)
    output = run(app, ["suggest", "--project", "1", "--limit", "2"], env={"COLUMNS": "160"}).output
    assert output.count("http://studio.test/projects/1/data?task=") == 2
    assert "unlike the others" in output


@pytest.mark.usefixtures("quick")
def test_pin_rollback_and_unpin_say_what_holds(house: House) -> None:
    house.add_project()
    for task in range(1, 4):
        house.add_task(task)
        house.label(task)
        house.work()
    where = ["--project", "1", "--group", "clip"]
    assert "Nothing is pinned" in run(app, ["unpin", *where]).output
    assert "label: v3 serves until" in run(app, ["pin", *where]).output
    assert "label: v2 serves again" in run(app, ["rollback", *where]).output
    assert "label: v1 serves until" in run(app, ["pin", *where, "--control", "label", "--version", "1"]).output
    assert "No longer pinned: label" in run(app, ["unpin", *where]).output


def test_expected_errors_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MICRO_MODELS_PORT", "abc")
    monkeypatch.setattr("sys.argv", ["micro-models", "status"])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert "MICRO_MODELS_PORT='abc'" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("options", [[], ["--project", "1", "--all"]])
def test_connect_wants_one_project_or_all(house: House, options: list[str]) -> None:
    answer = run(app, ["connect", *options])
    assert answer.exit_code == 2
    assert "--all" in answer.output


def test_explain_draws_and_tells_both_sides(tmp_path: Path) -> None:
    answer = run(app, ["explain", "--out", str(tmp_path / "idea.png"), "--seed", "3"])
    assert answer.exit_code == 0
    assert (tmp_path / "idea.png").stat().st_size > 10_000
    assert "Each group has its own law" in answer.output
    assert "All groups have one law" in answer.output


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_serve_says_a_password_that_nobody_chose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    monkeypatch.setenv("MICRO_MODELS_HOST", host)
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("backend.process.configure_logging", lambda settings: None)  # would keep the runner's stderr
    served = []
    monkeypatch.setattr(
        "backend.process.serve", lambda settings, embedded_worker, listening: (served.append(settings), listening())
    )
    said = run(app, ["serve"], catch_exceptions=False).output
    [settings] = served
    if settings.basic_auth:
        assert f"User micro-models, password {settings.basic_auth[1]}" in said
    else:
        assert "password" not in said
    assert (settings.basic_auth is None) == (host == "127.0.0.1")
