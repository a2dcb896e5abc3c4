"""The command line: what it prints, and that it says what is wrong in one line."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from backend import __main__ as command_line
from backend.__main__ import app
from backend.commands import common, greeting
from backend.errors import StudioUnreachable
from backend.loop.services import Services, make_services
from backend.settings import Settings
from tests.loop.conftest import quick  # noqa: F401
from tests.loop.house import House
from tests.loop.train.test_initialization import add_clip

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
    output = run(app, ["suggest", "--project", "1", "--limit", "2"], env={"COLUMNS": "40"}).output
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
def test_serve_says_where_everything_is_and_a_password_that_nobody_chose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, house: House, host: str
) -> None:
    monkeypatch.setenv("MICRO_MODELS_HOST", host)
    monkeypatch.setenv("MICRO_MODELS_DATA_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("MICRO_MODELS_DATADIR", "elsewhere")
    monkeypatch.setenv("WORKERS", "2")
    monkeypatch.setattr("backend.process.configure_logging", lambda settings: None)  # would keep the runner's stderr
    monkeypatch.setattr(greeting, "_look_at_studio", lambda services, say: say("Next", "`micro-models status`"))
    monkeypatch.setattr("threading.Thread", Now)
    served: list[Settings] = []

    def serve(settings: Settings, embedded_worker: bool, listening: Callable[[Services], object]) -> None:
        served.append(settings)
        listening(made(house, settings))

    monkeypatch.setattr("backend.process.serve", serve)
    said = run(app, ["serve", "--port", "9123", "--no-worker"], catch_exceptions=False).output
    [settings] = served
    assert "Server        http://127.0.0.1:9123" in said
    assert "Dashboard     http://127.0.0.1:9123/" in said
    assert f"Data folder   {tmp_path / 'mine'}" in said
    assert "micro-models worker" in said
    assert "MICRO_MODELS_DATADIR is set, and no setting has that name: is it MICRO_MODELS_DATA_DIR?" in said
    assert "WORKERS=2 changes nothing" in said
    if settings.basic_auth:
        assert f"User micro-models, password {settings.basic_auth[1]}" in said
    else:
        assert "password" not in said
    assert (settings.basic_auth is None) == (host == "127.0.0.1")


class Now:
    """A thread that runs where it is started."""

    def __init__(self, target: Callable[..., object], args: tuple[Any, ...], **_: Any) -> None:
        self.start = lambda: target(*args)


def made(house: House, settings: Settings) -> Services:
    studio: Any = lambda url, key: house.studio  # noqa: E731
    return make_services(settings, house.registry, house.queue, house.clock, studio)


def test_the_greeting_tells_whether_label_studio_was_reached_and_what_comes_next(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = made(house, Settings(data_dir=tmp_path, port=9123))
    assert greeting.reached(nowhere) == (
        "not known yet: its address or key is missing",
        "`micro-models connect --url http://localhost:8080 --api-key KEY --project N --backend-url http://127.0.0.1:9123`; "
        "the key is under Account & Settings there",
    )
    monkeypatch.setattr(type(house.studio), "whoami", lambda _: {"email": "me@example.com"}, raising=False)
    found, following = greeting.reached(house.services)
    assert found == "http://studio.test answers, to me@example.com"
    assert following == "`micro-models connect --project N`, or --all in place of --project N"
    house.add_project()
    assert "`micro-models status` shows what goes on" in greeting.reached(house.services)[1]

    def away(_: object) -> None:
        raise StudioUnreachable("No answer.")

    monkeypatch.setattr(type(house.studio), "whoami", away, raising=False)
    assert greeting.reached(house.services)[0] == "not reached. No answer."


@pytest.mark.parametrize(
    ("called", "typed"),
    [
        ("micro-models", "micro-models"),
        (".venv/bin/micro-models", ".venv/bin/micro-models"),
        ("/opt/my tools/micro-models", "'/opt/my tools/micro-models'"),
        ("/x/backend/__main__.py", f"{sys.executable} -m backend"),
        ("/usr/bin/pytest", "micro-models"),
    ],
)
def test_a_hint_calls_the_program_as_it_was_called(monkeypatch: pytest.MonkeyPatch, called: str, typed: str) -> None:
    monkeypatch.setattr("sys.argv", [called])
    monkeypatch.setattr("shutil.which", lambda name: None)
    hint = "Run `micro-models check`, or `MICRO_MODELS_DATA_DIR=/d micro-models connect`; micro-models is here."
    assert common.as_typed(hint) == (
        f"Run `{typed} check`, or `MICRO_MODELS_DATA_DIR=/d {typed} connect`; micro-models is here."
    )


@pytest.mark.parametrize("flag", ["-h", "--help", "--version"])
def test_what_everybody_types_first(flag: str) -> None:
    answer = run(app, [flag])
    assert answer.exit_code == 0
    assert "micro-models" in answer.output.lower()


@pytest.mark.parametrize(
    "command", [["train"], ["suggest"], ["rollback"], ["pin"], ["unpin"], ["refresh"]], ids=lambda c: c[0]
)
def test_an_unknown_group_is_told_with_those_there_are(house: House, command: list[str]) -> None:
    house.add_project()
    for number, video in enumerate(("clip one", "clip two", "other"), 1):
        house.add_task(number, video=video)
    answer = run(app, [*command, "--project", "1", "--group", "clip tw"])
    assert answer.exit_code == 1
    assert str(answer.exception) == (
        "There is no group 'clip tw' in project 1; there are: 'clip two', 'clip one', 'other'."
    )


def test_of_many_groups_the_most_alike_are_named(house: House) -> None:
    house.add_project()
    for number in range(1, 31):
        house.add_task(number, video=f"scene {number}")
    told = str(run(app, ["train", "--project", "1", "--group", "scene 077"]).exception)
    assert "and 20 more" in told
    assert "'scene 7'" in told


def test_status_as_json_is_what_the_server_tells(house: House) -> None:
    assert json.loads(run(app, ["status", "--json"]).output)["projects"] == []
    house.add_project()
    house.add_task(1)
    house.label(1)
    [told] = json.loads(run(app, ["status", "--json"]).output)["projects"]
    assert told["project"] == 1
    [group] = told["groups"]
    assert (group["group"], group["labelled"], group["next"]) == ("clip", 1, "1 label is there")


def test_a_pipe_gets_one_line_for_each_group_and_a_terminal_what_fits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.add_project()
    name = "a video with a name of which nobody knows why it must be so very long " * 2
    for number, video in enumerate((name, "世界"), 1):
        house.add_task(number, video=video)
    piped = run(app, ["status"]).output.splitlines()
    [long] = [line for line in piped if line.startswith("a video")]
    assert " ".join(name.split()) in long
    assert "0 of 1" in long
    file = io.StringIO()
    monkeypatch.setattr(common, "console", Console(file=file, force_terminal=True, width=80, no_color=True))
    run(app, ["status"])
    shown = [Text.from_ansi(line).plain for line in file.getvalue().splitlines()]
    assert max(cell_len(line) for line in shown) <= 80
    assert any("世界" in line and "0 of 1" in line for line in shown)


def test_who_watches_sees_each_change_until_ctrl_c(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.add_project()
    house.add_task(1)
    turns = iter([lambda: None, lambda: house.label(1)])

    def pause(_: float) -> None:
        turn = next(turns, None)
        if turn is None:
            raise KeyboardInterrupt
        turn()

    monkeypatch.setattr("time.sleep", pause)
    answer = run(app, ["status", "--watch", "--json"])
    assert answer.exit_code == 0
    lines = [json.loads(line)["projects"][0]["groups"][0]["labelled"] for line in answer.output.splitlines()]
    assert lines == [0, 1]
