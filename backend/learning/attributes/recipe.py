"""Every hyper-parameter of attributes, with its unit and its reason."""

from dataclasses import dataclass

from backend.learning.fitting.recipe import HeadRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRecipe(HeadRecipe):
    """How a micro-model of attributes is trained."""

    side: int = 128
    """Root of the pixels that crops are scaled to: an object fills its crop, and a frame may hold dozens."""
    margin: float = 0.15
    """What a crop shows around its box, on each side, as a share of the box's own: what an object touches."""
    most_crops: int = 400
    """Labelled crops that are learnt from, evenly spread: bounds time and memory."""
    ridge: float = 0.05
    """Penalty of the regression; see `ClassificationRecipe.ridge`."""
    places: tuple[tuple[float, float], ...] = tuple(
        (where, what) for where in (0.0, 1.0, 8.0) for what in (0.0, 1.0, 8.0)
    )
    """How much a box's place, and its size and shape, count beside its picture, tried one pair after the other: leaving out one
    frame after the other tells which is best. 1 is as much as one stride of the picture, 8 nearly all."""
    multiple: bool = False
    """Whether a region may have several of the labels; also taken from the labelled regions, where one has."""
