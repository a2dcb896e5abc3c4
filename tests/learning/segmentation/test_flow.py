import numpy as np
from scipy.ndimage import gaussian_filter

from backend.learning.segmentation.flow import (
    FLOW_PIXELS,
    MAX_LOG_ODDS,
    FlowFrame,
    downscaled_grey,
    flows_between,
    log_odds_of_masks,
)
from backend.learning.segmentation.flow import fuse as fuse_along


def fuse(steps: list[FlowFrame]) -> list[np.ndarray]:
    return fuse_along(steps, flows_between(steps))


def scene(shift: int) -> tuple[np.ndarray, np.ndarray]:
    """A textured disc that moves over a textured ground, and its mask."""
    rng = np.random.default_rng(0)
    ground, skin = (gaussian_filter(rng.standard_normal((96, 128)), 2) for _ in range(2))
    rows, columns = np.mgrid[:96, :128]
    mask = (rows - 48) ** 2 + (columns - 40 - shift) ** 2 <= 400
    grey = np.clip(128 + 400 * np.where(mask, np.roll(skin, shift, 1) + 0.1, ground), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2), mask


def step(shift: int, known: bool) -> FlowFrame:
    image, mask = scene(shift)
    odds = log_odds_of_masks(mask[None]) if known else np.zeros((1, 96, 128), np.float32)
    return FlowFrame(downscaled_grey(image), odds, known)


def test_no_frames_and_one() -> None:
    assert fuse([]) == []
    lonely = FlowFrame(downscaled_grey(scene(0)[0]), np.full((2, 96, 128), -1.0, np.float32), False)
    [odds] = fuse([lonely])
    assert odds.shape == (2, 96, 128)
    assert (odds < 0).all()


def test_a_drawn_mask_stays_and_flows_along() -> None:
    fused = fuse([step(0, True), step(3, False), step(6, False)])
    assert np.array_equal(fused[0], step(0, True).odds)
    for shift, odds in ((3, fused[1]), (6, fused[2])):
        truth = scene(shift)[1]
        found = odds[0] > 0
        assert (found & truth).sum() / (found | truth).sum() > 0.85


def test_something_small_that_moves_faster_than_flow_can_follow_stays_as_it_was_seen() -> None:
    ground, _ = scene(0)
    rows, columns = np.mgrid[:96, :128]
    steps, masks = [], []
    for i in range(5):
        mask = (rows - 24) ** 2 + (columns - 20 - 16 * i) ** 2 <= 25
        image = ground.copy()
        image[mask] = 250
        seen = np.where(mask, 3.0, -3.0).astype(np.float32)[None]
        steps.append(FlowFrame(downscaled_grey(image), log_odds_of_masks(mask[None]) if i == 0 else seen, i == 0))
        masks.append(mask)
    for odds, mask in zip(fuse(steps), masks, strict=True):
        found = odds[0] > 0
        assert (found & mask).sum() / (found | mask).sum() > 0.9


def test_it_flows_backward_too() -> None:
    assert np.array_equal(fuse([step(3, False), step(0, True)])[0], fuse([step(0, True), step(3, False)])[1])


def test_unlike_frames_do_not_change_each_other() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    strange = FlowFrame(downscaled_grey(noise), np.zeros((1, 96, 128), np.float32), False)
    drawn = step(0, True)
    assert np.abs(fuse([drawn, strange])[1]).mean() < 0.35 * np.abs(drawn.odds).mean()


def test_frames_of_other_sizes_do_not_meet() -> None:
    small = FlowFrame(np.zeros((20, 20), np.uint8), np.full((1, 40, 40), -1.0, np.float32), False)
    fused = fuse([step(0, True), small, step(3, True)])
    assert fused[1].shape == (1, 40, 40)
    assert (fused[1] < 0).all()


def test_odds_of_masks_are_capped() -> None:
    mask = scene(0)[1]
    odds = log_odds_of_masks(np.stack([mask, np.zeros_like(mask), np.ones_like(mask)]))
    assert np.array_equal(odds[0] > 0, mask)
    assert odds[0].max() == MAX_LOG_ODDS
    assert (odds[1] == -MAX_LOG_ODDS).all()
    assert (odds[2] == MAX_LOG_ODDS).all()


def test_flow_is_computed_at_half_the_size_and_of_finely_scaled_frames_on_no_more_pixels() -> None:
    assert downscaled_grey(np.zeros((390, 693, 3), np.uint8)).shape == (195, 346)
    assert FLOW_PIXELS * 0.98 < downscaled_grey(np.zeros((600, 1067, 3), np.uint8)).size <= FLOW_PIXELS
