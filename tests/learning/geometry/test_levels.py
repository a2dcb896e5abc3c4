"""Contrast stretching."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.geometry.levels import FULL_RANGE, MIN_RANGE, find_levels, stretched
from backend.types import Frame


def frame(image: np.ndarray) -> Frame:
    return Frame(0, image.astype(np.uint8), image.shape[1], image.shape[0])


def noise(low: int, high: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high + 1, (40, 50, 3))


def test_a_dark_group_gets_the_whole_range() -> None:
    levels = find_levels([frame(noise(2, 41, seed)) for seed in range(5)])
    assert levels == (2, 41)
    bright = stretched(torch.tensor([[2, 41, 0, 200, 21]], dtype=torch.uint8), levels)
    assert bright.tolist() == [[0, 255, 0, 255, 124]]


def test_few_odd_pixels_decide_nothing() -> None:
    image = noise(10, 60)
    image[0, 0] = 255
    assert find_levels([frame(image)] * 3) == (10, 60)


def test_without_frames_or_without_contrast_nothing_is_stretched() -> None:
    assert find_levels([]) == FULL_RANGE
    assert find_levels([frame(np.full((9, 9, 3), 7))]) == FULL_RANGE
    assert find_levels([frame(noise(100, 100 + MIN_RANGE - 1))]) == FULL_RANGE


def test_one_bright_frame_is_of_the_group_too() -> None:
    dark, bright = frame(noise(0, 30)), frame(noise(200, 250))
    assert find_levels([dark] * 9 + [bright]) == (0, 250)


@given(st.tuples(st.integers(0, 255), st.integers(0, 255)).filter(lambda pair: pair[1] - pair[0] >= MIN_RANGE))
def test_stretching_keeps_the_order_and_ends_at_black_and_white(levels: tuple[int, int]) -> None:
    values = stretched(torch.arange(256, dtype=torch.uint8), levels)
    assert values.dtype == torch.uint8
    assert (values.int().diff() >= 0).all()
    assert values[levels[0]] == 0
    assert values[levels[1]] == 255
