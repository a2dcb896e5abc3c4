import numpy as np
import torch

from backend.learning.geometry.colour import recolour, relight


def test_values_stay_in_range_and_crops_differ() -> None:
    rng, image = np.random.default_rng(0), torch.rand(3, 32, 40)
    seen = [recolour(image, rng) for _ in range(20)]
    assert all(one.shape == image.shape and 0 <= float(one.min()) <= float(one.max()) <= 1 for one in seen)
    assert not torch.equal(seen[0], seen[1])


def test_without_light_and_tint_only_noise_is_left() -> None:
    image = torch.full((3, 64, 64), 0.5)
    assert float((relight(image, 0.0, 0.0, np.random.default_rng(1)) - image).mean().abs()) < 0.005


def test_motion_blurs_edges_of_some_crops() -> None:
    image = torch.zeros(3, 32, 32)
    image[:, :, 16:] = 1
    rng = np.random.default_rng(2)
    steepest = [float(recolour(image, rng).mean((0, 1)).diff().max()) for _ in range(40)]
    assert min(steepest) < 0.3 < 0.6 < max(steepest)
