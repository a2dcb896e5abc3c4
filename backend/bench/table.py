"""What was measured, as tables for a terminal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from rich.markup import escape
from rich.table import Table

from backend.bench.replay import Row


def round_table(rows: Sequence[Row]) -> Table:
    """One round of one data set: a line a method."""
    first = rows[0]
    title = f"{first.data_set}, seed {first.seed}, round {first.round}: {first.frames} frames done; quality: {first.measure}"
    table = Table(title=escape(title), title_justify="left")
    table.add_column("method", no_wrap=True)
    for heading in ("actions", "left", "labels", "efficiency", "quality", "seconds"):
        table.add_column(heading, justify="right")
    for row in rows:
        counts = (str(row.actions), str(row.left), str(row.labels))
        seconds = f"{row.seconds:.0f}" if row.seconds else "-"
        table.add_row(row.method, *counts, share(row.efficiency), share(row.quality), seconds)
    return table


def summary_table(rows: Sequence[Row]) -> Table:
    """Label efficiency after the last round of each data set, over the seeds, and over the data sets that all methods did."""
    methods = tuple(dict.fromkeys(row.method for row in rows))
    table = Table(title="Label efficiency at the end", title_justify="left")
    table.add_column("data set", no_wrap=True)
    for method in methods:
        table.add_column(method, justify="right")
    ends = last_of(rows)
    by_set = defaultdict[str, dict[str, list[float]]](lambda: defaultdict(list))
    for row in ends:
        if row.efficiency is not None:
            by_set[row.data_set][row.method].append(row.efficiency)
    for name, found in by_set.items():
        table.add_row(escape(name), *(share(_mean(found.get(method, ()))) for method in methods))
    if len(by_set) > 1:
        table.add_section()
        whole = {m: [fmean(f[m]) for f in by_set.values() if m in f] for m in methods}
        table.add_row("mean", *(share(_mean(v if len(v) == len(by_set) else ())) for v in whole.values()))
    return table


def last_of(rows: Iterable[Row]) -> list[Row]:
    """The last row of each data set, method and seed."""
    return list({(row.data_set, row.method, row.seed): row for row in rows}.values())


def share(value: float | None) -> str:
    """With three digits; a dash where there is no such figure."""
    return "-" if value is None else f"{value:.3f}"


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
