import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.pixel_edges import Ring, bounding_box
from backend.studio.regions.mask import fill, of_size
from tests.studio.regions.masks import disk, iou, small


def ring(*points: tuple[float, float]) -> Ring:
    return np.array(points, dtype=np.float64)


def test_hull_of_nothing_and_of_one_pixel() -> None:
    mask = np.zeros((3, 4), dtype=np.bool_)
    assert bounding_box(mask) is None
    mask[2, 1] = True
    assert bounding_box(mask) == (1.0, 2.0, 2.0, 3.0)


def test_of_size() -> None:
    mask = np.ones((3, 4), dtype=np.bool_)
    assert of_size(None, (4, 3)) is None
    assert of_size(~mask, (4, 3)) is None
    assert of_size(mask, (4, 3)) is mask
    with pytest.raises(ValueError, match=r"\(3, 4\).*Expected.*\(4, 3\)"):
        of_size(mask, (3, 4))


def test_a_pixel_belongs_where_its_centre_does() -> None:
    # From 0.4 to 2.6: the centres 0.5, 1.5 and 2.5 are inside; from 0.6 to 2.4 only 1.5.
    assert fill(ring((0.4, 0.4), (2.6, 0.4), (2.6, 2.6), (0.4, 2.6)), (5, 4)).sum() == 9
    assert fill(ring((0.6, 0.6), (2.4, 0.6), (2.4, 2.4), (0.6, 2.4)), (5, 4)).sum() == 1
    assert not fill(ring((1.6, 1.6), (2.4, 1.6), (2.4, 2.4)), (5, 4)).any()


def test_fill_outside_the_image() -> None:
    assert fill(ring((-50, -50), (90, -50), (90, 90), (-50, 90)), (5, 4)).all()
    assert not fill(ring((-50, -50), (-9, -50), (-9, 90), (-50, 90)), (5, 4)).any()
    assert not fill(ring((9, 0), (19, 0), (19, 4), (9, 4)), (5, 4)).any()


def test_where_a_drawing_overlaps_itself_it_stays_filled() -> None:
    twice = ring((0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (4, 0), (4, 4), (0, 4))
    assert fill(twice, (4, 4)).all()


def test_turned_square() -> None:
    filled = fill(ring((50, 10), (90, 50), (50, 90), (10, 50)), (100, 100))
    assert filled.sum() == pytest.approx(3200, rel=0.01)


def test_circle_of_many_vertices() -> None:
    angles = np.linspace(0, 2 * np.pi, 100)
    filled = fill(np.stack([30.2 + 20.3 * np.cos(angles), 25.7 + 20.3 * np.sin(angles)], axis=1), (60, 50))
    assert iou(filled, disk(60, 50, 30.2, 25.7, 20.3)) > 0.99


@given(small)
def test_hull_holds_the_mask_tightly(mask: np.ndarray) -> None:
    box = bounding_box(mask)
    assert (box is None) == (not mask.any())
    if box is not None:
        x0, y0, x1, y1 = (int(edge) for edge in box)
        inside = mask[y0:y1, x0:x1]
        assert inside.sum() == mask.sum()
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


@given(st.lists(st.tuples(st.floats(-99, 99), st.floats(-99, 99)), min_size=3, max_size=8))
def test_direction_does_not_matter(points: list[tuple[float, float]]) -> None:
    assert (fill(ring(*points), (20, 10)) == fill(ring(*reversed(points)), (20, 10))).all()
