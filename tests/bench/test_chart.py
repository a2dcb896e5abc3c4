from dataclasses import replace
from pathlib import Path

import pytest

from backend.bench.chart import curve, draw
from backend.bench.replay import Row
from backend.bench.table import last_of, share, summary_table
from backend.explain.figure import save

ROW = Row("clip", "micro-model", 0, 0, 5, 5, 10, 100, 0.85, "F1", 0.9, 40.0)


def test_nothing_measured_is_drawn_empty(tmp_path: Path) -> None:
    save(draw([]), tmp_path / "empty.png")
    assert (tmp_path / "empty.png").is_file()


def test_a_curve_is_the_mean_over_seeds_with_its_spread() -> None:
    rows = [ROW, replace(ROW, seed=1, efficiency=0.65), replace(ROW, round=1, frames=15, efficiency=0.9)]
    frames, mean, least, most = curve(rows, "micro-model")
    assert frames == [5, 15]
    assert mean == pytest.approx([0.75, 0.9])
    assert (least, most) == ([0.65, 0.9], [0.85, 0.9])


def test_a_round_without_efficiency_is_left_out() -> None:
    assert curve([replace(ROW, efficiency=None)], "micro-model") == ([], [], [], [])


def test_data_sets_without_any_label_are_drawn_too(tmp_path: Path) -> None:
    save(draw([replace(ROW, efficiency=None, labels=0, quality=None)]), tmp_path / "none.png")
    assert (tmp_path / "none.png").is_file()


def test_four_data_sets_take_two_rows_of_panels() -> None:
    rows = [replace(ROW, data_set=f"clip {n}", method=m) for n in range(4) for m in ("micro-model", "nearest frame")]
    figure = draw(rows)
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()] == [f"clip {n}" for n in range(4)]
    assert figure.get_figwidth() > figure.get_figheight()


def test_the_last_round_counts_and_a_mean_only_where_all_took_part() -> None:
    rows = [ROW, replace(ROW, round=1, efficiency=0.95), replace(ROW, data_set="other", method="interpolation")]
    assert [row.round for row in last_of(rows)] == [1, 0]
    table = summary_table(rows)
    cells = [list(column.cells) for column in table.columns]
    assert cells == [["clip", "other", "mean"], ["0.950", "-", "-"], ["-", "0.850", "-"]]


def test_what_does_not_exist_is_a_dash() -> None:
    assert (share(None), share(0.5)) == ("-", "0.500")
