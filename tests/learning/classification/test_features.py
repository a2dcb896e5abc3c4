import numpy as np
import pytest

from backend.learning.classification.features import Floats, Maps, group_statistics, vectors, widths

CHANNELS = 3


def maps(*, left: int, right: int, size: int = 12) -> Maps:
    """Empty frames, and in the last one a thing whose left half is in one channel and whose right half in another."""
    fine = np.random.default_rng(0).normal(0, 0.01, (5, CHANNELS, size, size)).astype(np.float32)
    fine[-1, left, 4:8, 3:6] += 1
    fine[-1, right, 4:8, 6:9] += 1
    return fine, fine[:, :, ::2, ::2], fine[:, :, ::4, ::4]


def posture(seen: Maps) -> Floats:
    return vectors(seen, group_statistics(seen))[-1, : 3 * CHANNELS]


def test_vectors_are_finite_also_of_frames_that_are_all_the_same() -> None:
    same = tuple(np.ones((4, channels, 8, 8), np.float32) for channels in (3, 5, 7))
    group = group_statistics(same)
    seen = vectors(same, group)
    assert widths(group) == (9, 10, 14)
    assert seen.shape == (4, 33)
    assert np.isfinite(seen).all()


def test_a_frame_is_seen_alone_as_among_others() -> None:
    seen = maps(left=0, right=1)
    group = group_statistics(seen)
    alone = vectors(tuple(one[-1:] for one in seen), group)
    assert alone[0] == pytest.approx(vectors(seen, group)[-1], abs=1e-5)


def test_what_is_unusual_counts() -> None:
    seen = maps(left=0, right=1)
    here = vectors(seen, group_statistics(seen))[-1, 3 * CHANNELS :]
    far, as_it_is = here[:CHANNELS], here[CHANNELS : 2 * CHANNELS]
    assert min(far[:2]) > 1 > abs(far[2])
    assert as_it_is[:2] == pytest.approx(0.5, abs=0.1), "each channel has half of the thing"


def test_posture_tells_which_side_is_where() -> None:
    one, other = posture(maps(left=0, right=1)), posture(maps(left=1, right=0))
    across = slice(0, CHANNELS)
    assert one[0] < -0.1 < 0.1 < one[1]
    assert one[across][:2] == pytest.approx(other[across][1::-1], abs=0.05)
    assert one[CHANNELS : 2 * CHANNELS] == pytest.approx(0, abs=0.05), "nothing lies above or below"
    assert one[2 * CHANNELS :][:2].sum() == pytest.approx(other[2 * CHANNELS :][:2].sum(), rel=0.05), "what it is"


def test_posture_does_not_depend_on_where_it_is() -> None:
    here = maps(left=0, right=1)
    moved = tuple(np.roll(one, by, (2, 3)) for one, by in zip(here, (2, 1, 0), strict=True))
    assert posture(moved) == pytest.approx(posture(here), abs=0.1)
