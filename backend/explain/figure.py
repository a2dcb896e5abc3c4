"""What all pictures of the story and of the benchmark have in common. The only file that knows where matplotlib is."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import FigureError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa4499"
"""Told apart also by the colour-blind (Okabe and Ito; the last of Tol); every line has its name beside it besides."""
INK, GREY, PALE = "#222222", "#666666", "#e4e4e4"
SIZE = 11.0
"""Points: readable where a page shows the picture at two thirds of its size."""
DOTS = 100
"""Pixels an inch."""
MOST_COLOURS = 64
"""Of a PNG: lines and text on white need no more, and it is a third as large."""


def new_figure(width: float, height: float) -> "Figure":
    """An empty picture of this size in inches; FigureError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise FigureError(
            "Pictures are drawn with matplotlib, which is not installed. Run `pip install 'micro-models[explain]'`."
        ) from None
    return Figure(figsize=(width, height), dpi=DOTS, layout="constrained", facecolor="white")


def plain(axes: "Axes", title: str, x: str, y: str) -> None:
    """Only what is needed to read it: a title to the left, names of the axes, a pale grid, no frame."""
    axes.set_title(title, loc="left", fontsize=SIZE + 1, color=INK, fontweight="bold")
    axes.set_xlabel(x, fontsize=SIZE, color=INK)
    axes.set_ylabel(y, fontsize=SIZE, color=INK)
    axes.tick_params(labelsize=SIZE - 1, colors=GREY, which="both", length=0)
    axes.grid(color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Where to write names so that they do not overlap: in the order of their places, each `gap` or more above the last.

    The names stay centred about their places as a whole.
    """
    order = sorted(range(len(places)), key=lambda n: places[n])
    found = list(places)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + gap)
    down = sum(found) / len(found) - sum(places) / len(places) if found else 0.0
    return [place - down for place in found]


def save(figure: "Figure", path: Path) -> None:
    """Write a small PNG; its folder is made."""
    from io import BytesIO

    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(MOST_COLOURS, dither=Image.Dither.NONE).save(path, "PNG", optimize=True)
