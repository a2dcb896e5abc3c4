import math

import numpy as np
import pytest

from backend.learning.segmentation.config import plan
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Frame, Instance, LabeledFrame

RECIPE = SegmentationRecipe(backbone="tf_efficientnet_lite0")


def bars(width: int, height: int, thickness: int) -> LabeledFrame:
    """A frame with a mask of bars, and as much between them."""
    mask = np.zeros((height, width), bool)
    for left in range(thickness, width - thickness, 2 * thickness):
        mask[thickness:-thickness, left : left + thickness] = True
    image = np.zeros((height, width, 3), np.uint8)
    box = (0.0, 0.0, float(width), float(height))
    return LabeledFrame(Frame(1, image, width, height), (Instance("bar", box, mask=mask),))


def factor(width: int, height: int, thickness: int) -> float:
    return plan([bars(width, height, thickness)], ("bar",), RECIPE).factor


USUAL = math.sqrt(RECIPE.frame_pixels / (640 * 360))


def test_frames_of_what_is_thick_come_to_the_usual_number_of_pixels() -> None:
    assert factor(640, 360, 40) == pytest.approx(USUAL)


def test_what_is_thin_is_scaled_up_too_as_far_as_time_allows() -> None:
    most = math.sqrt(RECIPE.most_pixels / (640 * 360))
    assert USUAL < factor(640, 360, 9) < most
    assert factor(640, 360, 3) == pytest.approx(most)


def test_small_frames_are_scaled_up_to_the_limit_only() -> None:
    assert factor(100, 80, 3) == RECIPE.largest_scale
