import numpy as np
import pytest

from backend.learning.geometry.boxes import corners, ious
from backend.types import Instance


def test_no_boxes() -> None:
    assert corners([]).shape == (0, 4)
    assert ious(corners([]), np.zeros((3, 4))).shape == (0, 3)


def test_boxes_without_area_overlap_nothing() -> None:
    assert ious(np.array([[1.0, 1, 1, 1]]), np.array([[1.0, 1, 1, 1]])).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0.0, 0.0, 10.0, 10.0), 1.0), ((5.0, 0.0, 15.0, 10.0), 1 / 3), ((10.0, 0.0, 20.0, 10.0), 0.0)],
)
def test_overlap_is_the_shared_part_of_the_union(other: tuple[float, float, float, float], expected: float) -> None:
    one = corners([Instance("a", (0.0, 0.0, 10.0, 10.0))])
    assert ious(one, corners([Instance("a", other)]))[0, 0] == pytest.approx(expected)
