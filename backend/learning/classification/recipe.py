"""Every hyper-parameter of classification, with its unit and its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassificationRecipe:
    """How a classification micro-model is trained. Tuned for the principle on the open groups, never for a clip."""

    backbone: str = "tf_efficientnet_lite0"
    """timm name; the default's weights are installed."""
    side: int = 288
    """Root of the pixels that frames are scaled to: what a class depends on may be small in the frame."""
    group_frames: int = 400
    """Most unlabelled frames looked at: they tell what is usual in the group; bounds time and the artifact."""
    multiple: bool = False
    """Whether a frame may have several of the labels; also taken from the labelled frames, where one has."""
