"""The hyper-parameters of segmentation: its values of the shared ones, and its own with their unit and their reason."""

from dataclasses import dataclass

from backend.learning.recipe import FittedRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationRecipe(FittedRecipe):
    """How a segmentation micro-model is trained."""

    crop: int = 256
    steps: int = 220
    warm_steps: int = 50
    pseudo_steps: int = 120
    """With half of the steps of both stages, mean J: a car 0.948 instead of 0.980, a heart 0.744 instead of 0.796."""
    pseudo_frames: int = 48
    pseudo_share: float = 0.4
    learning_rate: float = 6e-3
    backbone_rate: float = 1e-3

    detail: int = 16
    """Channels at stride 2, where edges and thin structures are found."""
    frame_pixels: int = 270_000
    """Pixels that frames are scaled to, up or down: bounds the time a frame takes."""
    most_pixels: int = 640_000
    """The same where large frames hold objects that would be too small to outline."""
    largest_scale: float = 2.5
    """Upper limit of scaling up: more adds pixels, not detail."""
    thickness: float = 6.0
    """Pixels that a typical structure should be thick, if need be at `most_pixels`: below, edges are guesses."""
    object_share: float = 0.7
    """Share of crops that are centred on a labelled pixel."""
