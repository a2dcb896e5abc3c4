"""`micro-models explain`: the idea in one dimension, in words, figures and a picture."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from backend.explain.curve import GROUPS, many_laws, one_law
from backend.explain.drawing import draw
from backend.explain.experiment import Trial, example, trial
from backend.explain.figure import save

SHOWN = 5 * GROUPS
"""Labels in the left of the picture: five a group, as this product asks for."""
IDEA = (
    f"A curve over {GROUPS} groups has to be known everywhere, and each point of it that is looked up costs one label. "
    "Either one polynomial learns all of it, with the degree that leave-one-out finds best; or each group has a "
    "polynomial of its own that goes exactly through its few labels: overfitted, but it has one group to know only."
)


def explain(out: Path, seed: int, console: Console) -> None:
    """Print how both do, on curves with many laws and on curves with one; draw it into `out`."""
    many, one = trial(seed, many_laws), trial(seed, one_law)
    console.print(IDEA)
    console.print("Errors, in standard deviations of the curve:")
    console.print(_table(many, "Each group has its own law"))
    console.print(_table(one, "All groups have one law"))
    save(draw(*example(seed, many_laws, SHOWN), many, one), out)
    console.print(f"Picture: {out}", soft_wrap=True)


def _table(tried: Trial, title: str) -> Table:
    """Errors by number of labels; the better one is bold."""
    table = Table("labels", "one for all", "one a group", title=title, title_justify="left")
    wins = tried.local_wins()
    for count, globally, locally in tried.typical():
        left, right = f"{globally:.3f}", f"{locally:.3f}"
        table.add_row(str(count), *((left, f"[bold]{right}[/]") if count in wins else (f"[bold]{left}[/]", right)))
    return table
