"""The background of a camera that stands still."""

import numpy as np
import torch
from numpy.typing import NDArray

from backend.learning.geometry.background import MIN_FRAMES, find_background, with_difference
from backend.learning.geometry.scaling import Scale
from backend.types import Frame

SCALE = Scale(1.0, 1 << 20)
SIDE = 64


def scenery(seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    return coarse.repeat(SIDE // 16, 0).repeat(SIDE // 16, 1)


def passing(at: int, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The scenery with something white at a place of its own."""
    seen = image.copy()
    seen[at : at + 8, at : at + 8] = 255
    return seen


def film(images: list[NDArray[np.uint8]]) -> list[Frame]:
    return [Frame(n, one, one.shape[1], one.shape[0], float(n)) for n, one in enumerate(images)]


def test_what_passes_is_not_of_the_background() -> None:
    empty = scenery()
    background = find_background(film([passing(4 * n, empty) for n in range(14)]), SCALE)
    assert background is not None
    nothing = find_background(film([empty] * MIN_FRAMES), SCALE)
    np.testing.assert_array_equal(background, nothing)


def test_a_moving_camera_has_none() -> None:
    assert find_background(film([np.roll(scenery(), 5 * n, 1) for n in range(14)]), SCALE) is None


def test_a_set_of_images_has_none() -> None:
    assert find_background(film([scenery(n) for n in range(14)]), SCALE) is None


def test_few_frames_and_frames_of_several_sizes_have_none() -> None:
    assert find_background(film([scenery()] * (MIN_FRAMES - 1)), SCALE) is None
    assert find_background(film([scenery()] * MIN_FRAMES + [scenery()[:32]]), SCALE) is None


def test_the_difference_is_where_something_passes_and_not_in_the_light() -> None:
    empty = scenery() // 2
    background = find_background(film([empty] * MIN_FRAMES), SCALE)
    assert background is not None
    brighter = passing(16, empty + 20)
    seen = with_difference(torch.from_numpy(brighter).permute(2, 0, 1), torch.from_numpy(background))
    assert seen.shape == (6, SIDE, SIDE)
    assert seen.dtype == torch.uint8
    np.testing.assert_array_equal(seen[:3].permute(1, 2, 0), brighter)
    change = seen[3:].float().mean(0)
    assert change[16:24, 16:24].mean() > 40
    assert change[32:, 32:].mean() < 3


def test_the_difference_of_a_frame_of_another_size_is_its_own_size() -> None:
    background = torch.zeros(3, 8, 8)
    assert with_difference(torch.zeros(3, 20, 31, dtype=torch.uint8), background).shape == (6, 20, 31)
