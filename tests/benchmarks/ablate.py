"""What each mechanism brings: one is switched off at a time, on labelled groups, without Label Studio.

    python -m tests.benchmarks.ablate ../shared/data [--out rows.jsonl] [--groups NAME ...] [--switches NAME ...]
        [--seeds 0 1 2] [--effort 0.5] [--labels 5]
    python -m tests.benchmarks.ablate --table rows.jsonl ... [--figure F1@0.7]

Each method lists its switches (`Method.switches`). With `--out` every training is a line of a file: the same call goes on where
it was ended, and `--table` makes the tables of such files anew. Groups are in two halves that are alike (`kinds.py`), so that
what is chosen on one is looked up on the other. One table in Markdown a head: the change of the mean figure (in points:
0.01), its deviation over the seeds, and that of the CPU seconds when a mechanism is off, over both halves and over each; the
worst and the best group. A mechanism pays, or harms, where both halves say so, and by more than the deviation.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import torch

from backend.types import Head
from tests.benchmarks.kinds import half_of
from tests.benchmarks.rows import ALL_ON, FIGURES, Row, Rows, parser, read
from tests.benchmarks.trial import Clip, folders_of


def measure(folder: Path, args: argparse.Namespace, rows: Rows) -> None:
    """Add what is missing of one group: all switches with all seeds; each seed is compared with itself."""
    for seed in args.seeds:
        clip = Clip(folder, args.labels, seed)
        recipe = clip.recipe(args.effort)
        missing = {
            name: off
            for name, off in {ALL_ON: recipe, **clip.method.ablations(recipe)}.items()
            if not rows.has(folder.name, seed, "off", name) and _is_asked_for(name, args.switches)
        }
        same_weights = clip.method.inference_switches & missing.keys()
        for name in missing.keys() - same_weights - {ALL_ON}:
            rows.add(Row.of(folder.name, seed, "off", name, clip.tried(missing[name], seed)))
        if ALL_ON in missing or same_weights:
            _measure_answers(clip, folder.name, seed, recipe, sorted(same_weights), rows)


def _is_asked_for(name: str, switches: Sequence[str]) -> bool:
    return name == ALL_ON or not switches or any(one in name for one in switches)


def _measure_answers(clip: Clip, group: str, seed: int, recipe: Any, mechanisms: Sequence[str], rows: Rows) -> None:
    """One training, asked with everything on, and with each of these mechanisms off; all count the training's seconds."""
    began = time.process_time()
    weights = clip.trained(recipe, seed)
    training = time.process_time() - began
    every = {ALL_ON: clip.tried_without(weights, None), **{one: clip.tried_without(weights, one) for one in mechanisms}}
    for name, trial in every.items():
        rows.add(Row.of(group, seed, "off", name, replace(trial, seconds=trial.seconds + training)))


def changes(rows: Sequence[Row], off: str, figure: str, half: int | None = None) -> dict[str, dict[int, float]]:
    """{group: {seed: a figure with a mechanism off, less that with all on}}."""
    known = {(row.group, row.seed): row.figures.get(figure) for row in rows if row.name == ALL_ON}
    found = dict[str, dict[int, float]]()
    for row in rows:
        with_it, without = known.get((row.group, row.seed)), row.figures.get(figure)
        if (
            row.name == off
            and with_it is not None
            and without is not None
            and half in (None, half_of(row.head, row.group))
        ):
            found.setdefault(row.group, {})[row.seed] = without - with_it
    return found


def table(rows: Sequence[Row], figure: str) -> str:
    """Of one head's rows."""
    lines = [
        f"| off | points of {figure} | deviation | half A | half B | says | worst group | best group | AUC | seconds |",
        "| --- " * 10 + "|",
    ]
    base = [row for row in rows if row.name == ALL_ON]
    means = [_mean(row.figures.get(key) for row in base) for key in (figure, "auc", "cpu")]
    shown = [f"{mean:.3f}" if mean is not None else "-" for mean in means[:2]]
    lines.append(f"| {ALL_ON} | {shown[0]} | | | | | | | {shown[1]} | {means[2] or 0:.0f} |")
    for off in dict.fromkeys(row.name for row in rows if row.name != ALL_ON):
        lines.append(_line(rows, off, figure))
    return "\n".join(lines)


def _line(rows: Sequence[Row], off: str, figure: str) -> str:
    by_group = {group: fmean(own.values()) for group, own in changes(rows, off, figure).items()}
    if not by_group:
        return f"| {off} | - | | | | | | | | |"
    halves = [_mean(fmean(own.values()) for own in changes(rows, off, figure, half).values()) for half in (0, 1)]
    spread = deviation(changes(rows, off, figure))
    others = [_mean(fmean(own.values()) for own in changes(rows, off, key).values()) for key in ("auc", "cpu")]
    ends = [f(by_group, key=by_group.__getitem__) for f in (min, max)]
    cells = [
        off, _points(fmean(by_group.values())), "-" if spread is None else f"{100 * spread:.1f}", *map(_points, halves),
        verdict(halves, spread), *(f"{name} {_points(by_group[name])}" for name in ends),
        "-" if others[0] is None else f"{others[0]:+.3f}", "-" if others[1] is None else f"{others[1]:+.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def deviation(found: dict[str, dict[int, float]]) -> float | None:
    """Standard deviation over the seeds of the mean over the groups that have all of them; None with fewer than two seeds."""
    seeds = sorted({seed for own in found.values() for seed in own})
    whole = [own for own in found.values() if len(own) == len(seeds)]
    if len(seeds) < 2 or not whole:
        return None
    return pstdev(fmean(own[seed] for own in whole) for seed in seeds)


def verdict(halves: Sequence[float | None], spread: float | None) -> str:
    """What both halves say of a mechanism: it pays, it harms; else nothing is known. No seeds, no verdict."""
    if spread is None or any(half is None for half in halves):
        return "-"
    known = [half for half in halves if half is not None]
    if max(known) < -spread:
        return "pays"
    return "harms" if min(known) > spread else "-"


def _mean(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return fmean(known) if known else None


def _points(change: float | None) -> str:
    return "-" if change is None else f"{100 * change:+.1f}"


def report(rows: Sequence[Row], figure: str | None) -> str:
    """The tables of all heads, each by its main figure or by the one that is named."""
    parts = list[str]()
    for head in Head:
        own = [row for row in rows if row.head is head and row.kind == "off"]
        asked = figure or FIGURES[head][0]
        if any(asked in row.figures for row in own):
            groups, seeds = {row.group for row in own}, sorted({row.seed for row in own})
            parts.append(f"{head}: {len(groups)} groups, seeds {seeds}\n\n{table(own, asked)}")
    return "\n\n".join(parts)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--figure")
    options.add_argument("--switches", nargs="*", default=[])
    args = options.parse_args()
    if args.data is None:
        print(report(read(args.table), args.figure))
        return
    torch.set_num_threads(1)
    rows = Rows(args.out)
    for folder in folders_of(args.data, args.groups):
        measure(folder, args, rows)
    print("\n" + report(rows, args.figure))


if __name__ == "__main__":
    main()
