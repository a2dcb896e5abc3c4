import numpy as np
from hypothesis import given, settings

from backend.studio.regions.mask import fill
from backend.studio.regions.outline import MAX_PARTS, MIN_IOU, exact, outlines
from backend.types import Mask
from tests.studio.regions.masks import blobs, disk, iou, small


def filled(mask: Mask) -> Mask:
    again = np.zeros_like(mask)
    for ring in outlines(mask):
        again |= fill(ring, (mask.shape[1], mask.shape[0]))
    return again


def test_nothing() -> None:
    assert outlines(np.zeros((4, 5), dtype=np.bool_)) == []


def test_rectangles_have_four_corners() -> None:
    for height, width in ((1, 1), (1, 9), (9, 1), (7, 5), (300, 400)):
        (ring,) = outlines(np.ones((height, width), dtype=np.bool_))
        assert sorted(map(tuple, ring.tolist())) == [(0, 0), (0, height), (width, 0), (width, height)]
    mask = np.zeros((20, 30), dtype=np.bool_)
    mask[4:9, 6:8] = True
    assert sorted(map(tuple, outlines(mask)[0].tolist())) == [(6, 4), (6, 9), (8, 4), (8, 9)]


def test_a_slope_is_a_line() -> None:
    rows, columns = np.mgrid[:100, :100]
    (ring,) = outlines(columns > rows)
    assert len(ring) <= 8
    (ring,) = outlines(columns > 3 * rows)
    assert len(ring) <= 8


def test_a_large_disk_takes_few_vertices() -> None:
    mask = disk(400, 400, 200, 200, 150)
    (ring,) = outlines(mask)
    assert len(ring) <= 40
    assert iou(filled(mask), mask) > 0.985
    distance = np.hypot(*(ring - 200).T)
    assert np.abs(distance - 150).max() < 1.5


def test_a_hole_is_not_filled_and_the_object_stays_one() -> None:
    mask = disk(100, 80, 50, 40, 35) & ~disk(100, 80, 55, 40, 15)
    assert len(outlines(mask)) == 1
    assert not filled(mask)[40, 55]
    assert iou(filled(mask), mask) > 0.97


def test_several_holes_and_an_island_in_one() -> None:
    mask = disk(200, 160, 100, 80, 75)
    for x in (60, 100, 140):
        mask &= ~disk(200, 160, x, 80, 15)
    mask |= disk(200, 160, 100, 80, 8)
    rings = outlines(mask)
    assert len(rings) == 2
    assert iou(filled(mask), mask) > 0.97


def test_largest_part_first_and_specks_left_out() -> None:
    mask = disk(200, 100, 30, 50, 10) | disk(200, 100, 100, 50, 40)
    mask[2, 2] = True
    rings = outlines(mask)
    assert len(rings) == 2
    assert rings[0][:, 0].mean() > 60 > rings[1][:, 0].mean()


def test_thin_lines_do_not_vanish() -> None:
    mask = np.zeros((100, 100), dtype=np.bool_)
    mask[10, 5:95] = mask[5:95, 50] = True
    np.fill_diagonal(mask, True)
    assert iou(filled(mask), mask) > 0.97


def test_noise_does_not_become_thousands_of_regions() -> None:
    noise = np.random.default_rng(1).random((200, 200)) < 0.2
    assert len(outlines(noise)) == MAX_PARTS


@given(small)
def test_outlines_of_few_pixels_are_exact_before_they_are_simplified(mask: Mask) -> None:
    again = np.zeros_like(mask)
    size = (mask.shape[1], mask.shape[0])
    for outer, holes in exact(mask) if mask.any() else ():
        part = fill(outer, size)
        for hole in holes:
            part &= ~fill(hole, size)
        again |= part
    assert (again == mask).all()


@given(small)
def test_few_pixels_survive(mask: Mask) -> None:
    again = filled(mask)
    assert (again & mask).sum() >= MIN_IOU * (again | mask).sum()


@settings(max_examples=30, deadline=None)
@given(blobs)
def test_blobs_survive(mask: Mask) -> None:
    assert iou(filled(mask), mask) > 0.97
    for ring in outlines(mask):
        assert len(ring) >= 3
        assert (ring >= 0).all()
        assert (ring <= (mask.shape[1], mask.shape[0])).all()
