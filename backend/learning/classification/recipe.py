"""Every hyper-parameter of classification, with its unit and its reason."""

from dataclasses import dataclass

from backend.learning.fitting.recipe import HeadRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationRecipe(HeadRecipe):
    """How a classification micro-model is trained."""

    side: int = 288
    """Root of the pixels that frames are scaled to: what a class depends on may be small in the frame."""
    group_frames: int = 400
    """Most unlabelled frames looked at: they tell what is usual in the group; bounds time and the artifact."""
    averaging: bool = True
    """Whether many kernels are tried and averaged; else one is fixed: an RBF kernel on all vectors."""
    linking: bool = True
    """Whether being near in time is one of the things that are tried."""
    multiple: bool = False
    """Whether a frame may have several of the labels; also taken from the labelled frames, where one has."""
