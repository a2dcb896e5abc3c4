import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.learning.parent.clips import HIDDEN, Asked, Clip, clip
from backend.learning.parent.figures import figure, reshaped, reskinned, tinted
from backend.learning.parent.textures import surface

SEEDS = st.integers(0, 10_000)


def _clip(seed: int, asked: Asked, count: int = 3, side: int = 64) -> Clip:
    return clip(np.random.default_rng(seed), asked, count, side)


@given(SEEDS, st.sampled_from(list(Asked)))
@settings(max_examples=20, deadline=None)
def test_every_clip_is_whole(seed: int, asked: Asked) -> None:
    made = _clip(seed, asked)
    assert len(made.shots) == 3
    for shot in made.shots:
        assert shot.image.shape == (64, 64, 3)
        assert shot.image.dtype == np.uint8
        assert shot.masks.shape == (made.labels, 64, 64)
        assert all(0 <= one.label < made.labels for one in shot.seen)
        assert all(one.points.shape == (made.keypoints, 2) for one in shot.seen if made.labels == 1)


@given(SEEDS, st.sampled_from([Asked.BOXES, Asked.MASKS, Asked.POINTS]))
@settings(max_examples=20, deadline=None)
def test_boxes_are_the_hulls_of_what_the_masks_show(seed: int, asked: Asked) -> None:
    for shot in _clip(seed, asked).shots:
        for one in shot.seen:
            x0, y0, x1, y1 = map(int, one.box)
            assert 0 <= x0 < x1 <= 64
            assert 0 <= y0 < y1 <= 64
            part = shot.masks[one.label, y0:y1, x0:x1]
            assert all(edge.any() for edge in (part[0], part[-1], part[:, 0], part[:, -1]))
        boxes = [one.box for one in shot.seen] + [tuple(box) for box in shot.doubtful]
        rows, columns = np.nonzero(shot.masks.any(0))
        inside = [
            any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in boxes) for x, y in zip(columns, rows, strict=True)
        ]
        assert all(inside)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_points_that_are_present_lie_on_the_object(seed: int) -> None:
    for shot in _clip(seed, Asked.POINTS).shots:
        for one in shot.seen:
            for x, y in one.points[one.present]:
                assert shot.masks[one.label, int(y), int(x)]


@given(SEEDS, st.sampled_from(list(Asked)))
@settings(max_examples=8, deadline=None)
def test_the_same_seed_gives_the_same_clip(seed: int, asked: Asked) -> None:
    for one, other in zip(_clip(seed, asked).shots, _clip(seed, asked).shots, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.masks, other.masks)


def test_other_seeds_give_other_clips() -> None:
    assert not np.array_equal(_clip(0, Asked.BOXES).shots[0].image, _clip(1, Asked.BOXES).shots[0].image)


def test_objects_come_and_go() -> None:
    counts = {len(shot.seen) for seed in range(30) for shot in _clip(seed, Asked.BOXES).shots}
    assert {0, 1, 2} <= counts


def test_the_object_in_the_middle_is_there_with_its_points() -> None:
    shots = [shot for seed in range(10) for shot in _clip(seed, Asked.POINTS).shots]
    assert np.mean([len(shot.seen) == 1 for shot in shots]) > 0.6
    middles = [(np.array(shot.seen[0].box).reshape(2, 2).mean(0) - 32) for shot in shots if shot.seen]
    assert np.abs(np.mean(middles, 0)).max() < 8


def test_a_structure_has_a_mask_and_no_boxes() -> None:
    for shot in _clip(3, Asked.STRUCTURE).shots:
        assert 0.005 < shot.masks.mean() < 0.8
        assert shot.seen == ()


def test_what_is_nearly_hidden_is_doubtful() -> None:
    shots = [shot for seed in range(30) for shot in _clip(seed, Asked.MASKS).shots]
    assert sum(len(shot.doubtful) for shot in shots) > 0
    assert 0 < HIDDEN < 1


def test_photographs_are_cut_into_surfaces() -> None:
    photo = np.full((40, 60, 3), (10, 200, 90), np.uint8)
    cuttings = [surface(np.random.default_rng(i), 32, [photo]) for i in range(40)]
    assert all(one.shape == (32, 32, 3) and one.dtype == np.float32 for one in cuttings)
    assert any(np.ptp(one, axis=(0, 1)).max() < 1e-3 for one in cuttings)


@pytest.mark.parametrize("seed", range(5))
def test_look_alikes_share_shape_or_surface(seed: int) -> None:
    rng = np.random.default_rng(seed)
    star = figure(rng)
    other, another, third = reskinned(star, rng), reshaped(star, rng), tinted(star, rng)
    assert all(np.array_equal(a.outline, b.outline) for a, b in zip(star, other, strict=True))
    assert not np.array_equal(star[0].skin, other[0].skin)
    assert np.array_equal(another[0].skin, star[0].skin)
    assert not np.array_equal(another[0].outline, star[0].outline)
    assert np.abs(third[0].skin - star[0].skin).max() <= 60


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_named_points_lie_on_their_part(seed: int) -> None:
    for part in figure(np.random.default_rng(seed)):
        assert np.hypot(*part.marks.T).max() <= part.reach
        assert -1 <= part.parent < 1
