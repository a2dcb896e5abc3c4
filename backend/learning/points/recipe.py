"""The hyper-parameters of points: those of detection."""

from dataclasses import dataclass

from backend.learning.detection.recipe import DetectionRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsRecipe(DetectionRecipe):
    """How a micro-model of points is trained."""

    refinement: bool = False
    """Only the middle of a box is shown, whose sides nobody drew."""
