"""The hyper-parameters of pose: its values of the shared ones, and its own with their unit and their reason."""

from dataclasses import dataclass

from backend.learning.fitting.recipe import FittedRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseRecipe(FittedRecipe):
    """How a pose micro-model is trained. `crop` is the side of the crop that keypoints are found in."""

    crop: int = 192
    steps: int = 240
    warm_steps: int = 160
    rise: float = 0.3

    margin: float = 1.3
    """Side of the crop, in diagonals of the box around the object."""
    points_margin: float = 1.7
    """The same where the box is that of the keypoints alone, which lie inside the object."""
    coarse_side: float = 40.0
    """Root of the area, pixels, that an object without a box is scaled to for finding it in the whole frame."""
    coarse_pixels: int = 160_000
    """Upper limit of the frame scaled so, pixels: bounds time."""
    coarse_crop: int = 224
    """Side of a training crop of it, pixels, a multiple of 16."""
    coarse_batch: int = 1
    """Crops of a step for finding the object in the whole frame."""

    views: int = 4
    """Mirrored and turned looks at each object that are averaged, 1 to 8; one that training did not turn or mirror uses fewer."""
    skeleton: bool = True
    """Whether the labelled objects tell which candidates of keypoints are possible together."""
    score_threshold: float = 0.2
    """Keypoints below this confidence are left out."""
