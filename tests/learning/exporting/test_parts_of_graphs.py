"""What graphs are made of says what the code says that it stands for, on numbers made by chance."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from backend.learning.detection import rotation
from backend.learning.exporting.keypoints import _rotated
from backend.learning.exporting.parts import part_of
from backend.learning.exporting.peaks import peaks
from backend.learning.exporting.resizing import resized, scaled
from backend.learning.exporting.skeleton import Skeleton
from backend.learning.exporting.turned import corners, decoded, overlaps
from backend.learning.exporting.without import MAX_DUPLICATE_CHAIN, without_nearby
from backend.learning.geometry.background import UNKNOWN_VALUE, with_difference
from backend.learning.geometry.levels import FULL_RANGE
from backend.learning.geometry.rotation import overlap
from backend.learning.geometry.scaling import Scale, to_batch, to_tensor
from backend.learning.pose import head as pose_head
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.skeleton import consistent_candidates
from backend.types import Frame

seeds = st.integers(0, 2**31)


def noise(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 90), st.integers(1, 90), st.floats(0.05, 3), st.booleans(), st.booleans())
def test_frames_are_scaled_to_the_last_bit(
    seed: int, height: int, width: int, factor: float, small: bool, bright: bool
) -> None:
    scale = Scale(factor, 2000 if small else 10**6, 3000.0 if seed % 2 else 0.0, (3, 190) if bright else FULL_RANGE)
    image = noise(seed, height, width)
    pixels, own = to_tensor(Frame(0, image, width, height), scale)
    found = scaled(torch.from_numpy(image), scale)
    assert found.size.tolist() == list(pixels.shape[1:])
    assert float(found.factor) == pytest.approx(own, rel=1e-6)
    assert torch.equal((found.pixels * 255).round(), (to_batch([pixels]) * 255).round())


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(12, 90), st.integers(12, 90), st.booleans())
def test_the_difference_from_a_background_is_within_a_level(seed: int, height: int, width: int, known: bool) -> None:
    scale, image = Scale(0.8, 10**6), noise(seed, height, width)
    pixels, _ = to_tensor(Frame(0, image, width, height), scale)
    empty = torch.full((3, max(pixels.shape[1] // 2, 1), max(pixels.shape[2] // 2, 1)), UNKNOWN_VALUE)
    background = torch.randint(0, 256, empty.shape).float() if known else empty
    own = to_batch([with_difference(pixels, background)])
    assert (scaled(torch.from_numpy(image), scale, background).pixels - own).abs().max() * 255 < 1.01


@settings(max_examples=30, deadline=None)
@given(seeds, *(st.integers(1, 60) for _ in range(4)))
def test_log_odds_are_enlarged_as_by_opencv(seed: int, h: int, w: int, height: int, width: int) -> None:
    odds = np.random.default_rng(seed).standard_normal((h, w)).astype(np.float32)
    sizes = (torch.tensor(one, dtype=torch.float64) for one in ((h, w), (height, width)))
    found = resized(torch.from_numpy(odds)[None], *sizes, smooth=False)[0].numpy()
    assert found == pytest.approx(cv2.resize(odds, (width, height), interpolation=cv2.INTER_LINEAR), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.2, 0.8), st.integers(1, 30), st.integers(1, 30))
def test_parts_are_those_of_opencv(seed: int, share: float, height: int, width: int) -> None:
    masks = np.random.default_rng(seed).random((2, height, width)) < share
    found = part_of(torch.from_numpy(masks)).numpy()
    parts = found[:-1].reshape(masks.shape)
    assert (parts[~masks] == masks.size).all()
    for mask, own in zip(masks, parts, strict=True):
        count, others = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
        pairs = set(zip(own[mask].tolist(), others[mask].tolist(), strict=True))
        assert len(pairs) == count - 1 == len({one for one, _ in pairs})


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_turned_boxes_overlap_as_they_do_in_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    middles = np.tile(rng.uniform(900, 960, (6, 2)), 2)
    hulls = torch.tensor(middles + np.array([-30, -30, 30, 30]), dtype=torch.float32)
    turns = torch.tensor(np.column_stack([rng.uniform(4, 60, (6, 2)), rng.choice([0, 45, *range(-44, 44)], 6)])).float()
    turns[1], hulls[1] = turns[0], hulls[0]
    outlines = corners(hulls, turns).numpy()
    expected = np.array([[overlap(a, b) for b in outlines] for a in outlines])
    assert overlaps(hulls, turns).numpy() == pytest.approx(expected, abs=2e-3)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_turns_are_decoded_alike(seed: int) -> None:
    said = np.random.default_rng(seed).standard_normal((20, 6)).astype(np.float32)
    assert decoded(torch.from_numpy(said)).numpy() == pytest.approx(rotation.decoded(said), rel=1e-3, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, 12))
def test_the_best_are_kept_without_those_near_them(seed: int, count: int) -> None:
    near = np.random.default_rng(seed).random((count, count)) < 0.3
    near |= near.T
    kept = list[int]()
    for n in range(count):
        kept += [n] if not any(near[m, n] for m in kept) else []
    assert count <= MAX_DUPLICATE_CHAIN
    assert np.flatnonzero(without_nearby(torch.from_numpy(near)).numpy()).tolist() == kept


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_peaks_are_those_of_the_head(seed: int) -> None:
    heat = torch.softmax(4 * torch.randn((3, 2, 144), generator=torch.Generator().manual_seed(seed)), 2)
    places, scores = peaks(heat.reshape(3, 2, 12, 12))
    for one, place, score in zip(heat.reshape(3, 2, 12, 12), places, scores, strict=True):
        expected = pose_head.peaks(one)
        assert place.numpy() == pytest.approx(expected[0], abs=1e-3)
        assert score.numpy() == pytest.approx(expected[1], abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 7), st.integers(1, 6))
def test_points_are_chosen_as_the_skeleton_chooses(seed: int, points: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.uniform(-0.4, 0.4, (points, 2))
    poses = np.concatenate([shape + rng.normal(0, 0.02, (count, points, 2)), rng.random((count, points, 1)) < 0.9], 2)
    loose = np.where(rng.random(points) < 0.2, np.inf, rng.uniform(0.06, 0.2, points))
    config = pose_config(points, poses, loose)
    size = config.crop / config.margin
    places = shape[None, :, None] + rng.normal(0, 0.3, (4, points, pose_head.PEAKS_PER_KEYPOINT, 2)) * (
        rng.random((4, points, 4, 1)) < 0.6
    )
    places = places * size + 60
    scores = -np.sort(-(rng.random((4, points, pose_head.PEAKS_PER_KEYPOINT)) ** 2), 2)
    chosen, sure = Skeleton(config)(torch.tensor(places).float(), torch.tensor(scores).float())
    for n in range(4):
        expected = consistent_candidates(places[n], scores[n], poses, loose, size)
        assert chosen[n].numpy() == pytest.approx(expected[0], abs=1e-3)
        assert sure[n].numpy() == pytest.approx(expected[1], abs=1e-5)


def pose_config(points: int, poses: NDArray[np.float64], loose: NDArray[np.float64]) -> PoseConfig:
    return PoseConfig(
        labels=tuple("abcdefg"[:points]), partners=tuple(range(points)), parented=True, backbone="", frozen=(), width=8,
        crop=128, margin=1.3, diagonals=(1.0, 1.0, 1.0), coarse_factor=1.0, coarse_pixels=1, size=(1.0, 1.0), counts=(),
        turn=0.0, views=1, thresholds=(0.0,) * points, poses=poses.tolist(), loose=tuple(loose),
    )  # fmt: skip


@pytest.mark.parametrize("quarters", range(4))
def test_rotated_by_quarters(quarters: int) -> None:
    image = torch.arange(18.0).reshape(1, 2, 3, 3)
    assert torch.equal(_rotated(image, quarters), torch.rot90(image, quarters, (2, 3)))
