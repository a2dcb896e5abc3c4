"""`micro-models export` as it is typed."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from backend.__main__ import app
from backend.commands import common
from backend.datasets import read
from backend.loop.export.run import FORMATS
from tests.loop.house import House

run = CliRunner().invoke


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(tmp_path)
    monkeypatch.setattr(common, "services", lambda *_: house.services)
    monkeypatch.setattr(common, "console", Console(width=200))
    house.add_project()
    for task in range(1, 4):
        house.add_task(task)
        house.label(task)
    return house


def test_it_writes_and_says_how_much(house: House, tmp_path: Path) -> None:
    house.add_task(4, image=b"none")
    house.label(4)
    out = tmp_path / "out"
    command = ["export", "--project", "1", "--format", "yolo", "--out", str(out)]
    answer = run(app, command, catch_exceptions=False)
    assert answer.exit_code == 0
    assert f"{out}: 3 frames." in answer.output
    assert "Left out: task 4: 4.png cannot be read" in answer.output
    assert len(list(read("yolo", out))) == 3
    assert "3 frames, 3 of them were there before." in run(app, command).output


def test_the_formats_are_told(house: House) -> None:
    answer = run(app, ["export", "--project", "1", "--format", "help", "--out", "x"])
    assert answer.exit_code == 0
    assert all(name in answer.output for name in FORMATS)


def test_a_format_without_anything_for_it_is_refused(house: House, tmp_path: Path) -> None:
    answer = run(app, ["export", "--project", "1", "--format", "sleap", "--out", str(tmp_path / "out")])
    assert "has no keypoints" in str(answer.exception)
    assert not (tmp_path / "out").exists()
