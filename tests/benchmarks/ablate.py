"""What each mechanism brings: one is switched off at a time, on labelled groups, without Label Studio.

    python -m tests.benchmarks.ablate ../shared/data [--groups NAME ...] [--switches NAME ...] [--seeds 0 1 2]
        [--effort 0.5] [--labels 5]

Each method lists its switches (`Method.switches`). Groups are put into two halves by name, alternately within each head, so
that what is chosen on one can be looked up on the other. One table in Markdown a head: the change of the mean quality (in
points: 0.01) and of the CPU seconds when a mechanism is off, over both halves and over each; the worst and the best group.
A mechanism pays where its row is clearly below zero in both halves.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from backend.types import Head
from tests.benchmarks.trial import Clip, folders_of

ALL_ON = "all on"


@dataclass(frozen=True, slots=True)
class Row:
    """One training and its predictions."""

    group: str
    half: int
    off: str
    quality: float
    auc: float | None
    seconds: float


def measured(folder: Path, half: int, args: argparse.Namespace) -> list[Row]:
    """All switches of one group, with all seeds; each seed is compared with itself."""
    rows = list[Row]()
    for seed in args.seeds:
        clip = Clip(folder, args.labels, seed)
        recipe = clip.recipe(args.effort)
        ablations = {
            name: off
            for name, off in clip.method.ablations(recipe).items()
            if not args.switches or any(one in name for one in args.switches)
        }
        for name, variant in {ALL_ON: recipe, **ablations}.items():
            trial = clip.tried(variant, seed)
            rows.append(Row(folder.name, half, name, trial.quality, trial.auc, trial.seconds))
            auc = "-" if trial.auc is None else f"{trial.auc:.3f}"
            print(
                f"{folder.name:20} seed {seed}  {name:32} {trial.quality:.3f}  AUC {auc}  {trial.seconds:.0f} s",
                flush=True,
            )
    return rows


def change(rows: Sequence[Row], off: str, of: str = "quality", half: int | None = None) -> dict[str, float]:
    """{group: mean over the seeds of a figure with a mechanism off, less that with all on}."""
    found = dict[str, float]()
    for group in sorted({row.group for row in rows if half in (None, row.half)}):
        figures = {
            name: [getattr(row, of) for row in rows if (row.group, row.off) == (group, name)] for name in (off, ALL_ON)
        }
        pairs = [(a, b) for a, b in zip(figures[off], figures[ALL_ON], strict=True) if a is not None and b is not None]
        if pairs:
            found[group] = fmean(a - b for a, b in pairs)
    return found


def table(rows: Sequence[Row]) -> str:
    """Of one head's rows."""
    lines = [
        "| off | points | half A | half B | worst group | best group | AUC | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    base = [row for row in rows if row.off == ALL_ON]
    lines.append(
        f"| {ALL_ON} | {fmean(r.quality for r in base):.3f} | | | | | | {fmean(r.seconds for r in base):.0f} |"
    )
    for off in dict.fromkeys(row.off for row in rows if row.off != ALL_ON):
        by_group, aucs = change(rows, off), change(rows, off, "auc")
        halves = [change(rows, off, half=half) for half in (0, 1)]
        ends = [f(by_group, key=by_group.__getitem__) for f in (min, max)]
        cells = [
            off, _points(by_group.values()), *(_points(half.values()) for half in halves),
            *(f"{name} {_points([by_group[name]])}" for name in ends),
            f"{fmean(aucs.values()):+.3f}" if aucs else "-", f"{fmean(change(rows, off, 'seconds').values()):+.0f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _points(changes: object) -> str:
    values = list(changes)  # type: ignore[call-overload]
    return f"{100 * fmean(values):+.1f}" if values else "-"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--groups", nargs="*", default=[])
    options.add_argument("--switches", nargs="*", default=[])
    options.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    options.add_argument("--effort", type=float, default=1.0)
    options.add_argument("--labels", type=int, default=5)
    args = options.parse_args()
    torch.set_num_threads(1)
    rows = defaultdict[Head, list[Row]](list)
    numbers = defaultdict[str, int](int)
    for folder in folders_of(args.data, args.groups):
        half = numbers[folder.parent.name] % 2
        numbers[folder.parent.name] += 1
        rows[Head(folder.parent.name)] += measured(folder, half, args)
    for head, own in rows.items():
        print(
            f"\n{head}: {len({row.group for row in own})} groups, seeds {args.seeds}, effort {args.effort:g}\n\n{table(own)}"
        )


if __name__ == "__main__":
    main()
