"""The picture of the idea: a curve with both fits, and their error against the number of labels."""

from typing import TYPE_CHECKING

import numpy as np

from backend.explain.curve import Curve, Labels, grid
from backend.explain.experiment import Trial
from backend.explain.figure import BLUE, GREY, INK, ORANGE, PALE, SIZE, new_figure, plain
from backend.explain.fits import one_a_group, one_for_all

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = 12.6, 4.4
BAND_PERCENTILES = 10, 90
"""Percentiles of the curves that a band spans."""
ERROR = "error, in standard deviations of the curve"


def draw(curve: Curve, labels: Labels, many: Trial, one: Trial) -> "Figure":
    """A curve with its labels and fits; the trial of many laws; that of one law, where one model for all is better."""
    figure = new_figure(*SIZE_INCHES)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.35, 1, 1))
    _curve(left, curve, labels)
    _errors(middle, many, "Each group has its own law")
    _errors(right, one, "All groups have one law")
    middle.set_ylabel(ERROR, fontsize=SIZE, color=INK)
    right.sharey(middle)
    right.tick_params(labelleft=False)
    return figure


def _curve(axes: "Axes", curve: Curve, labels: Labels) -> None:
    plain(axes, f"{len(labels)} labels, {len(curve.edges) - 1} groups", "all there is to label", "")
    axes.grid(visible=False)
    for edge in curve.edges[1:-1]:
        axes.axvline(edge, color=PALE, linewidth=1.2)
    x = grid()
    axes.plot(x, curve.values(x), color="#b5b5b5", linewidth=5, label="the truth")
    axes.plot(x, one_for_all(labels)(x), color=ORANGE, linewidth=1.8, label="one model for all")
    for group in range(len(curve.edges) - 1):
        mine = x[curve.group_of(x) == group]
        name = "one overfitted model a group" if group == 0 else None
        axes.plot(mine, one_a_group(labels, curve)(mine), color=BLUE, linewidth=1.8, label=name)
    axes.plot(labels.x, labels.y, "o", color=INK, markersize=3.6, label="labels")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(x=0.01)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, fontsize=SIZE - 1, frameon=False, labelcolor=INK
    )


def _errors(axes: "Axes", trial: Trial, title: str) -> None:
    plain(axes, title, "labels", "")
    axes.set(xscale="log", yscale="log")
    axes.minorticks_off()
    shown = [count for count in (4, 8, 16, 40, 80, 256) if count in trial.counts]
    axes.set_xticks(shown, [str(count) for count in shown])
    axes.set_yticks([0.01, 0.03, 0.1, 0.3, 1.0], ["0.01", "0.03", "0.1", "0.3", "1"])
    typical = np.array(trial.typical())
    both = ((ORANGE, "one for all", trial.one_for_all, 1), (BLUE, "one a group", trial.one_a_group, 2))
    at = len(trial.counts) * 2 // 3
    for colour, name, errors, column in both:
        low, high = np.percentile(errors, BAND_PERCENTILES, axis=0)
        axes.fill_between(trial.counts, low, high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(trial.counts, typical[:, column], color=colour, linewidth=2.2)
        above = typical[at, column] > typical[at, 3 - column]
        axes.annotate(
            name, (trial.counts[at], typical[at, column]), (0, 16 if above else -24), textcoords="offset points",
            color=colour, fontsize=SIZE, fontweight="bold", ha="left" if above else "right",
        )  # fmt: skip
    axes.text(0.98, 0.98, "band: 8 of 10 curves", transform=axes.transAxes, ha="right", va="top",
              fontsize=SIZE - 2, color=GREY)  # fmt: skip
