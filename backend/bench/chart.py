"""The efficiency curve: label efficiency against frames labelled or mended, one panel a data set."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from backend.bench.methods import INTERPOLATED, MICRO, NEAREST, POOLED
from backend.bench.replay import Row
from backend.explain.figure import BLUE, GREEN, GREY, ORANGE, PURPLE, SIZE, apart, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = 4.6, 3.5
COLUMNS = 3
LOWEST = -0.25
"""Worse than this is cut off: it costs more than drawing everything by hand, whatever the number."""
GAP = 0.065
"""Between names, in heights of a panel."""
COLOURS = ((MICRO, BLUE), (POOLED, PURPLE), (INTERPOLATED, ORANGE), (NEAREST, GREEN))


def draw(rows: Sequence[Row]) -> "Figure":
    """The picture of everything measured."""
    names = tuple(dict.fromkeys(row.data_set for row in rows))
    across = max(min(COLUMNS, len(names)), 1)
    down = max(-(-len(names) // across), 1)
    figure = new_figure(PANEL_INCHES[0] * across, PANEL_INCHES[1] * down)
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for panel, name in zip(panels, names, strict=False):
        _panel(panel, name, [row for row in rows if row.data_set == name])
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    return figure


def _panel(axes: "Axes", name: str, rows: Sequence[Row]) -> None:
    plain(axes, name, "frames labelled or mended", "label efficiency")
    curves = {method: found for method, _ in COLOURS if (found := curve(rows, method))[0]}
    every = [value for _, mean, _, _ in curves.values() for value in mean]
    low = max(min([0.0, *every]) - 0.05, LOWEST)
    axes.set_ylim(low, 1.02)
    for method, colour in COLOURS:
        if method in curves:
            frames, mean, least, most = curves[method]
            axes.fill_between(frames, least, most, color=colour, alpha=0.16, linewidth=0)
            axes.plot(frames, mean, color=colour, linewidth=2.4 if method == MICRO else 1.8, marker="o", markersize=4)
    _ceiling(axes, rows)
    _names(axes, {method: found[1][-1] for method, found in curves.items()}, low)


def curve(rows: Sequence[Row], method: str) -> tuple[list[int], list[float], list[float], list[float]]:
    """(frames, mean, least, most): efficiency by round over the seeds; rounds without one are left out."""
    by_round = defaultdict[int, list[tuple[int, float]]](list)
    for row in rows:
        if row.method == method and row.efficiency is not None:
            by_round[row.round].append((row.frames, row.efficiency))
    found = [np.array(by_round[number]) for number in sorted(by_round)]
    frames = [int(one[:, 0].max()) for one in found]
    mean, least, most = ([float(f(one[:, 1])) for one in found] for f in (np.mean, np.min, np.max))
    return frames, mean, least, most


def _ceiling(axes: "Axes", rows: Sequence[Row]) -> None:
    """What perfect predictions would give: only the first labels are drawn."""
    first = next((row for row in rows if row.round == 0 and row.labels), None)
    if first is None:
        return
    best = 1 - first.actions / first.labels
    axes.axhline(best, color=GREY, linewidth=1, linestyle=(0, (2, 3)))
    axes.text(axes.get_xlim()[0], best + 0.01, " best possible", fontsize=SIZE - 2, color=GREY, ha="left", va="bottom")


def _names(axes: "Axes", ends: dict[str, float], low: float) -> None:
    """Each method's name to the right of its curve's end."""
    colours, height = dict(COLOURS), 1.02 - low
    places = apart([max(end, low) for end in ends.values()], GAP * height)
    for method, place in zip(ends, places, strict=True):
        axes.annotate(
            f"{method} {ends[method]:.2f}", (1.02, (place - low) / height), xycoords="axes fraction",
            color=colours[method], fontsize=SIZE - 1, va="center", fontweight="bold" if method == MICRO else "normal",
            annotation_clip=False,
        )  # fmt: skip
