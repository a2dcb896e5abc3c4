import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.types import Head
from tests.benchmarks import ablate, compare
from tests.benchmarks.rows import ALL_ON, Row, Rows, read

GROUPS = ("otb_crossing", "otb_dragonbaby")
"""One of each half."""


def row(name: str, f1: float | None, group: str = GROUPS[0], seed: int = 0, kind: str = "off") -> Row:
    figures = {"F1@0.5": f1, "F1@0.7": f1, "auc": None, "cpu": 2.0}
    return Row(Head.DETECTION, group, seed, kind, name, figures)  # type: ignore[arg-type]


@given(st.sampled_from(["off", "baseline"]), st.text(min_size=1), st.floats(0, 1) | st.none(), st.integers(0))
def test_a_row_is_the_same_after_a_file(kind: str, name: str, f1: float | None, seed: int) -> None:
    before = row(name, f1, seed=seed, kind=kind)
    assert Row.from_json(before.to_json()) == before


def test_a_measurement_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    first = Rows(out)
    first.add(row(ALL_ON, 0.5))
    again = Rows(out)
    assert again.has(GROUPS[0], 0, "off", ALL_ON)
    assert not again.has(GROUPS[0], 1, "off", ALL_ON)
    assert not again.has(GROUPS[0], 0, "baseline", ALL_ON)
    assert list(again) == list(first)


def test_trials_that_failed_are_no_rows(tmp_path: Path) -> None:
    failed = {"head": "pose", "group": "flies_pair", "seed": 0, "off": ALL_ON, "error": "ValueError"}
    out = tmp_path / "rows.jsonl"
    out.write_text(json.dumps(failed) + "\n\n" + row(ALL_ON, 0.5).to_json() + "\n")
    assert read([out]) == [row(ALL_ON, 0.5)]


def test_the_micro_model_loses_where_a_baseline_is_better_by_more_than_is_allowed() -> None:
    rows = [
        row(ALL_ON, 0.90), row("CSRT", 0.95, kind="baseline"), row("nearest frame", 0.2, kind="baseline"),
        row(ALL_ON, 0.90, GROUPS[1]), row("CSRT", 0.915, GROUPS[1], kind="baseline"),
    ]  # fmt: skip
    assert compare.losers(rows).splitlines() == [
        f"* {GROUPS[0]}, {figure}: 0.900, CSRT 0.950 (-0.050)" for figure in ("F1@0.5", "F1@0.7")
    ]
    first = compare.table(rows, "F1@0.5").splitlines()[2]
    assert first == f"| {GROUPS[0]} | one thing, film | A | 0.900 | CSRT | -0.050 | 0.200 | 0.950 |"


def test_a_table_of_baselines_alone_has_no_loser() -> None:
    rows = [row("CSRT", 0.95, kind="baseline")]
    assert compare.losers(rows) == "None."
    assert compare.uncompared(rows) == [GROUPS[0]]
    assert "| - | CSRT | - | 0.950 |" in compare.table(rows, "F1@0.5")


def test_seeds_have_a_mean_and_a_deviation() -> None:
    rows = [row(ALL_ON, f1, seed=seed) for seed, f1 in enumerate((0.8, 0.9, 1.0))]
    assert "0.900 ± 0.082" in compare.table(rows, "F1@0.5")


@pytest.mark.parametrize(
    ("off", "verdict"),
    [((0.8, 0.8), "pays"), ((1.0, 1.0), "harms"), ((0.8, 1.0), "-"), ((0.9, 0.8), "-")],
    ids=["both halves lose", "both halves gain", "they disagree", "one half does not care"],
)
def test_a_mechanism_pays_where_both_halves_say_so(off: tuple[float, float], verdict: str) -> None:
    rows = [
        row(name, f1, group, seed)
        for group, without in zip(GROUPS, off, strict=True)
        for seed, noise in enumerate((0.0, 0.01))
        for name, f1 in ((ALL_ON, 0.9), ("smoothing", without + noise))
    ]
    line = ablate.table(rows, "F1@0.5").splitlines()[-1]
    assert line.split(" | ")[5] == verdict


def test_one_seed_proves_nothing() -> None:
    rows = [row(name, f1, group) for group in GROUPS for name, f1 in ((ALL_ON, 0.9), ("smoothing", 0.1))]
    assert ablate.table(rows, "F1@0.5").splitlines()[-1].startswith("| smoothing | -80.0 | - | -80.0 | -80.0 | - |")
