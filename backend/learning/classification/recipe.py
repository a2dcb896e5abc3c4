"""Every hyper-parameter of classification, with its unit and its reason."""

from dataclasses import dataclass

from backend.learning.fitting.recipe import HeadRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationRecipe(HeadRecipe):
    """How a classification micro-model is trained."""

    side: int = 288
    """Root of the pixels that frames are scaled to: what a class depends on may be small in the frame."""
    group_frames: int = 64
    """Most unlabelled frames looked at: they tell what is usual in the group; all of them tell no more, in twice the time."""
    ridge: float = 0.05
    """Penalty of the regression, as a share of a labelled frame's mean squared distance from their mean: from 0.03 to 0.3
    accuracy hardly changes."""
    multiple: bool = False
    """Whether a frame may have several of the labels; also taken from the labelled frames, where one has."""
