import numpy as np
import pytest

from backend.learning.classification.features import BLOCKS, Floats, Maps, usual, vectors

CHANNELS = 3


def maps(*, left: int, right: int, size: int = 12) -> Maps:
    """Empty frames, and in the last one a thing whose left half is in one channel and whose right half in another."""
    fine = np.random.default_rng(0).normal(0, 0.01, (5, CHANNELS, size, size)).astype(np.float16)
    fine[-1, left, 4:8, 3:6] += 1
    fine[-1, right, 4:8, 6:9] += 1
    return Maps(fine, fine[:, :, ::2, ::2])


def posture(seen: Maps) -> Floats:
    return vectors(seen, usual(seen))["posture"][-1]


def test_every_block_is_finite_also_of_frames_that_are_all_the_same() -> None:
    same = Maps(np.ones((4, 3, 8, 8), np.float16), np.ones((4, 5, 4, 4), np.float16))
    blocks = vectors(same, usual(same))
    assert tuple(blocks) == BLOCKS
    assert all(len(block) == 4 and np.isfinite(block).all() for block in blocks.values())


def test_posture_tells_which_side_is_where() -> None:
    one, other = posture(maps(left=0, right=1)), posture(maps(left=1, right=0))
    across = slice(0, CHANNELS)
    assert one[0] < -0.1 < 0.1 < one[1]
    assert one[across][:2] == pytest.approx(other[across][1::-1], abs=0.05)
    assert one[CHANNELS : 2 * CHANNELS] == pytest.approx(0, abs=0.05), "nothing lies above or below"
    assert one[2 * CHANNELS :][:2].sum() == pytest.approx(other[2 * CHANNELS :][:2].sum(), rel=0.05), "what it is"


def test_posture_does_not_depend_on_where_it_is() -> None:
    here = maps(left=0, right=1)
    moved = Maps(np.roll(here.fine, 2, (2, 3)), np.roll(here.coarse, 1, (2, 3)))
    assert posture(moved) == pytest.approx(posture(here), abs=0.1)
