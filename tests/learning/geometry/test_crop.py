import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.geometry.crop import View, turned, upright


@given(
    st.floats(-50, 50), st.floats(0.2, 4), st.floats(-math.pi, math.pi), st.booleans(), st.floats(0.8, 1.2)
)  # fmt: skip
def test_points_come_back(x: float, zoom: float, angle: float, mirror: bool, stretch: float) -> None:
    view = View(np.array([x, 7.0]), turned(zoom, angle, mirror, stretch), 64)
    points = np.array([[1.0, 2.0], [30.5, -4.0]])
    assert view.to_image(view.to_crop(points)) == pytest.approx(points, abs=1e-6)
    assert view.to_crop(view.centre) == pytest.approx([32, 32])


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi / 2, 3.0])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_points_move_with_the_pixels(mirror: bool, angle: float, zoom: float) -> None:
    image = torch.zeros(3, 120, 160, dtype=torch.uint8)
    image[:, 50:56, 90:96] = 255
    view = View(np.array([85.0, 60.0]), turned(zoom, angle, mirror), 96)
    crop = view.cut(image)[0]
    rows, columns = np.mgrid[:96, :96]
    bright = crop.numpy() > 0.6
    seen = np.array([columns[bright].mean(), rows[bright].mean()]) + 0.5
    assert seen == pytest.approx(view.to_crop(np.array([93.0, 53.0])), abs=0.6)


def test_what_lies_outside_is_grey() -> None:
    crop = upright(np.array([0.0, 0.0]), 1.0, 32).cut(torch.zeros(3, 20, 20, dtype=torch.uint8))
    assert crop[:, 20:, 20:].max() == pytest.approx(0, abs=0.51)
    assert crop[:, :12, :12] == pytest.approx(0.5, abs=1e-5)
    away = upright(np.array([500.0, -300.0]), 1.0, 32).cut(torch.zeros(3, 20, 20, dtype=torch.uint8))
    assert away == pytest.approx(0.5, abs=1e-5)


def test_each_plane_has_its_own_outside() -> None:
    """A mask ends where its image ends; the image goes on grey."""
    planes = torch.full((4, 20, 20), 255, dtype=torch.uint8)
    outside = torch.tensor([0.5, 0.5, 0.5, 0.0])[:, None, None]
    crop = upright(np.array([0.0, 0.0]), 1.0, 32).cut(planes, outside)
    assert crop[:3, :12, :12] == pytest.approx(0.5, abs=1e-5)
    assert crop[3, :12, :12] == pytest.approx(0, abs=1e-5)
    assert crop[:, 20:, 20:] == pytest.approx(1, abs=1e-5)
