import numpy as np
import torch

from backend.learning.segmentation.augmentation import MaskSample, Viewing, views

HOW = Viewing(count=3, side=64, objects=1.0)


def picture(height: int = 90, width: int = 120, labels: int = 1) -> MaskSample:
    masks = torch.zeros((labels, height, width), dtype=torch.uint8)
    masks[:, 20:60, 30:80] = 255
    # The image shows the mask, so that the two must move together.
    return MaskSample(masks[:1].expand(3, -1, -1).clone(), masks)


def test_masks_move_with_the_image() -> None:
    batch = views([picture(labels=2)], HOW, np.random.default_rng(0))
    assert batch.images.shape == (3, 3, 64, 64)
    assert batch.masks.shape == batch.sure.shape == (3, 2, 64, 64)
    inside = batch.sure[:, 0] > 0.99
    bright, drawn = batch.images.mean(1)[inside], batch.masks[:, 0][inside]
    assert float(np.corrcoef(bright.numpy(), drawn.numpy())[0, 1]) > 0.9


def test_outside_of_the_frame_nothing_is_learned() -> None:
    batch = views([picture(30, 30)], HOW, np.random.default_rng(0))
    assert (batch.sure[:, 0] == 0).float().mean() > 0.3
    assert batch.masks[batch.sure == 0].sum() == 0


def test_empty_frames_and_unsure_pixels() -> None:
    empty = MaskSample(torch.zeros((3, 90, 120), dtype=torch.uint8), torch.zeros((1, 90, 120), dtype=torch.uint8))
    assert not views([empty], HOW, np.random.default_rng(0)).masks.any()
    unsure = MaskSample(empty.image, empty.masks, torch.zeros_like(empty.masks))
    assert not views([unsure], HOW, np.random.default_rng(0)).sure.any()


def test_same_seed_same_views() -> None:
    first, second = (views([picture()], HOW, np.random.default_rng(4)) for _ in range(2))
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.masks, second.masks)
