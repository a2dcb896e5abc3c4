import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from backend import __main__ as command_line
from backend.__main__ import app
from tests.bench.made import folder_of_squares

run = CliRunner().invoke


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "console", Console(width=200))


@pytest.mark.usefixtures("quick", "wide")
def test_several_folders_share_a_baseline_and_a_picture(tmp_path: Path) -> None:
    one, other = folder_of_squares(tmp_path / "one", 10), folder_of_squares(tmp_path / "other", 6, width=80)
    options = ["--labels", "3", "--rounds", "1", "--per-round", "4", "--out", str(tmp_path / "out")]
    answer = run(app, ["bench", str(one), str(other), *options])
    assert answer.exit_code == 0, answer.output
    assert "one, seed 0, round 1: 7 frames done" in answer.output
    assert "other, seed 0, round 1: 6 frames done" in answer.output, "the last frames are fewer than a round's"
    rows = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert {row["method"] for row in rows} == {"micro-model", "one for all", "interpolation", "nearest frame"}
    assert len(rows) == 2 * 2 * 4
    by_model = [row for row in rows if row["method"] in ("micro-model", "one for all")]
    assert all(row["left"] == 0 and row["actions"] == 3 for row in by_model)
    assert all(row["efficiency"] == pytest.approx(1 - 3 / row["labels"]) for row in by_model)
    assert (tmp_path / "out" / "efficiency.png").stat().st_size > 5_000


@pytest.mark.usefixtures("quick", "wide")
def test_one_folder_alone_has_no_project_to_share(tmp_path: Path) -> None:
    folder = folder_of_squares(tmp_path / "one", 9)
    answer = run(app, ["bench", str(folder), "--rounds", "0", "--seeds", "0", "--seeds", "4", "--order", "random"])
    assert answer.exit_code == 0, answer.output
    assert "one for all" not in answer.output
    assert "seed 4, round 0" in answer.output
    assert [path.name for path in tmp_path.iterdir()] == ["one"], "without --out nothing is written"


def test_a_folder_that_is_none_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["micro-models", "bench", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 1
