"""The micro-model beside simple baselines on labelled groups, without Label Studio: never worse than the simple thing.

    python -m tests.benchmarks.compare ../shared/data --out rows.jsonl [--groups NAME ...] [--methods NAME ...] [--seeds 0 1 2]
        [--effort 0.5] [--labels 5]
    python -m tests.benchmarks.compare --table rows.jsonl ...

Every trial is a line of `--out`; the same call goes on where it was ended. One table a figure: each group's micro-model
(mean of the seeds, and their deviation where there are several), all baselines, the best of them, and what the micro-model is
better by. Below, the groups in which it loses by more than 0.02 (`--methods` names baselines, and "all on" the micro-model).
"""

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, pstdev

import cv2
import torch

from backend.types import Head
from tests.benchmarks.baselines.baseline import Baseline
from tests.benchmarks.baselines.registry import BASELINES
from tests.benchmarks.kinds import half_of, kind_of
from tests.benchmarks.rows import ALL_ON, FIGURES, Kind, Row, Rows, parser, read
from tests.benchmarks.trial import Clip, folders_of

ALLOWED = 0.02
"""By which a baseline may be better."""


def measure(folder: Path, baseline: Baseline | None, seed: int, args: argparse.Namespace, rows: Rows) -> None:
    """Add a group's row of a baseline, or of the micro-model, where it is asked for and missing."""
    head, group = Head(folder.parent.name), folder.name
    name = ALL_ON if baseline is None else baseline.name
    kind: Kind = "off" if baseline is None else "baseline"
    if (args.methods and name not in args.methods) or rows.has(group, seed, kind, name):
        return
    if baseline and (head not in baseline.heads or (seed != args.seeds[0] and not _differs(baseline, head))):
        return
    clip = Clip(folder, args.labels, seed)
    trial = clip.of_baseline(baseline, seed) if baseline else clip.tried(clip.recipe(args.effort), seed)
    rows.add(Row.of(group, seed, kind, name, trial))


def _differs(baseline: Baseline, head: Head) -> bool:
    """Whether another seed means another result: by what is drawn for labelling, or in the baseline."""
    return head is Head.CLASSIFICATION or baseline.by_lot


def table(rows: Sequence[Row], figure: str) -> str:
    """Of one head's rows."""
    head, groups = rows[0].head, sorted({row.group for row in rows})
    others = [one.name for one in BASELINES if any(row.name == one.name for row in rows)]
    lines = [
        f"| {figure} | kind | half | micro-model | best baseline | better by | {' | '.join(others)} |",
        "| --- " * (6 + len(others)) + "|",
    ]
    for group in groups:
        best, margin = _best(rows, group, figure)
        place = [group, kind_of(head, group), "AB"[half_of(head, group)]]
        own, *found = (_shown(values(rows, group, name, figure)) for name in (ALL_ON, *others))
        lines.append(_line([*place, own, best or "-", "-" if margin is None else f"{margin:+.3f}", *found]))
    halves = [[group for group in groups if half_of(head, group) == half] for half in (0, 1)]
    for title, some in zip(("mean", "mean of half A", "mean of half B"), (groups, *halves), strict=True):
        margins = [margin for group in some if (margin := _best(rows, group, figure)[1]) is not None]
        own, *found = (_mean(rows, some, name, figure) for name in (ALL_ON, *others))
        lines.append(_line([title, "", "", own, "", f"{fmean(margins):+.3f}" if margins else "-", *found]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def losers(rows: Sequence[Row]) -> str:
    """The groups and figures in which a baseline is better by more than is allowed, the worst first; a list in Markdown."""
    found = list[tuple[float, str]]()
    for group in sorted({row.group for row in rows}):
        head = next(row.head for row in rows if row.group == group)
        for figure in FIGURES[head]:
            best, margin = _best(rows, group, figure)
            if best is not None and margin is not None and margin < -ALLOWED:
                own, other = (fmean(values(rows, group, name, figure)) for name in (ALL_ON, best))
                found.append((margin, f"* {group}, {figure}: {own:.3f}, {best} {other:.3f} ({margin:+.3f})"))
    return "\n".join(line for _, line in sorted(found)) or "None."


def uncompared(rows: Sequence[Row]) -> list[str]:
    """Groups that have rows, but not both of the micro-model and of a baseline."""
    own = {row.group for row in rows if _is_own(row)}
    return sorted(own ^ {row.group for row in rows if row.kind == "baseline"})


def _is_own(row: Row) -> bool:
    return row.kind == "off" and row.name == ALL_ON


def values(rows: Sequence[Row], group: str, name: str, figure: str) -> list[float]:
    """Of each seed."""
    found = (row.figures.get(figure) for row in rows if (row.group, row.name) == (group, name))
    return [value for value in found if value is not None]


def _best(rows: Sequence[Row], group: str, figure: str) -> tuple[str | None, float | None]:
    """The best baseline by its mean, and by how much the micro-model is better."""
    names = dict.fromkeys(row.name for row in rows if row.group == group and row.kind == "baseline")
    means = {name: fmean(found) for name in names if (found := values(rows, group, name, figure))}
    own = values(rows, group, ALL_ON, figure)
    if not means:
        return None, None
    best = max(means, key=means.__getitem__)
    return best, fmean(own) - means[best] if own else None


def _mean(rows: Sequence[Row], groups: Sequence[str], name: str, figure: str) -> str:
    """Of all groups; in brackets how many there are where some lack it."""
    found = [fmean(own) for group in groups if (own := values(rows, group, name, figure))]
    if not found:
        return "-"
    return f"{fmean(found):.3f}" + ("" if len(found) == len(groups) else f" ({len(found)} groups)")


def _shown(figures: Sequence[float]) -> str:
    if not figures:
        return "-"
    return f"{fmean(figures):.3f}" + (f" ± {pstdev(figures):.3f}" if len(figures) > 1 else "")


def report(rows: Sequence[Row]) -> str:
    """All tables, and the losers."""
    parts = list[str]()
    for head in Head:
        own = [row for row in rows if row.head is head and (row.kind == "baseline" or _is_own(row))]
        parts += [table(own, figure) for figure in FIGURES[head]] if own else []
    parts += [f"Groups in which it loses by more than {ALLOWED}:", losers(rows)]
    if rest := uncompared(rows):
        parts.append(f"Not compared, for want of rows of the micro-model or of any baseline: {', '.join(rest)}.")
    return "\n\n".join(parts)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--methods", nargs="*", default=[])
    args = options.parse_args()
    if args.data is None:
        print(report(read(args.table)))
        return
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = Rows(args.out)
    folders = folders_of(args.data, args.groups)
    # The cheap ones first, on all groups: what they say is known soon.
    for baseline in [*(one for one in BASELINES if one.installed()), None]:
        for seed, folder in product(args.seeds, folders):
            measure(folder, baseline, seed, args, rows)
    print("\n" + report(rows))


if __name__ == "__main__":
    main()
