import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.geometry.boxes import mask_bounds
from backend.learning.segmentation.masks import Sizes, instance, masks_of, overlooked, shown, sizes_of
from backend.types import Instance
from tests.learning.segmentation.masked import masked_clip, rectangle, without_objects

NO_SIZES = Sizes(0.0, 0.0)
[FRAME] = masked_clip(1).frames


def test_nothing_drawn() -> None:
    empty = without_objects(FRAME)
    assert masks_of(empty, ("disc",)).shape == (1, 120, 160)
    assert not masks_of(empty, ("disc",)).any()
    assert sizes_of([empty], "disc") == NO_SIZES


def test_instances_of_a_label_are_one_mask_and_labels_may_overlap() -> None:
    drawn = [rectangle(160, 120, 0, 0, 9, 9), rectangle(160, 120, 20, 0, 30, 9), rectangle(160, 120, 5, 0, 9, 9, "b")]
    disc, other = masks_of(dataclasses.replace(FRAME, instances=tuple(drawn)), ("disc", "b"))
    assert disc.sum() == 81 + 90
    assert other.sum() == 36
    assert (disc & other).sum() == 36


@pytest.mark.parametrize(
    "odd",
    [
        Instance("disc", (0, 0, 9, 9)),
        Instance("disc", (0, 0, 2, 2), mask=np.ones((2, 2), bool)),
        rectangle(160, 120, 0, 0, 9, 9, "unicorn"),
    ],
)
def test_odd_instances_cost_nothing_but_themselves(odd: Instance) -> None:
    both = dataclasses.replace(FRAME, instances=(*FRAME.instances, odd))
    assert np.array_equal(masks_of(both, ("disc",)), masks_of(FRAME, ("disc",)))


def test_sizes_are_those_of_the_smallest() -> None:
    large = dataclasses.replace(FRAME, instances=(rectangle(160, 120, 0, 0, 80, 60),))
    pair = (rectangle(160, 120, 0, 0, 10, 10), rectangle(160, 120, 20, 0, 60, 10))
    small = dataclasses.replace(FRAME, instances=pair)
    sizes = sizes_of([large, without_objects(FRAME), small], "disc")
    assert sizes.mask == pytest.approx(500 / 19200)
    assert sizes.part == pytest.approx(100 / 19200)


def test_stray_pixels_are_no_mask() -> None:
    chances = np.zeros((50, 50), np.float32)
    assert not shown(chances, NO_SIZES).any()
    chances[3, 3:6] = 0.97
    assert shown(chances, NO_SIZES).sum() == 3
    assert not shown(chances, Sizes(0.2, 0.01)).any()


def test_parts_without_a_sure_pixel_are_left_out() -> None:
    chances = np.zeros((50, 50), np.float32)
    chances[:10, :10], chances[30:, 30:] = 0.97, 0.6
    mask = shown(chances, Sizes(0.01, 0.01))
    assert mask[:10, :10].all()
    assert mask.sum() == 100


@given(st.integers(0, 18), st.integers(0, 18), st.integers(1, 20), st.integers(1, 20))
def test_hull_holds_the_mask_and_nothing_more(x: int, y: int, width: int, height: int) -> None:
    drawn = rectangle(40, 40, x, y, x + width, y + height)
    assert drawn.mask is not None
    assert mask_bounds(drawn.mask) == drawn.box


def test_the_score_of_a_mask_is_the_overlap_to_expect() -> None:
    chances = np.zeros((10, 10), np.float32)
    chances[:5] = 0.8
    one = instance("disc", chances > 0.6, chances)
    assert one.score == pytest.approx(0.8)
    assert one.box == (0, 0, 10, 5)
    chances[5:] = 0.4  # what may be missing
    assert instance("disc", chances > 0.6, chances).score == pytest.approx(0.8 * 50 / (50 + 0.4 * 50))


def test_what_is_not_shown_may_be_overlooked() -> None:
    nothing, doubtful = np.zeros((20, 20), np.float32), np.zeros((20, 20), np.float32)
    doubtful[:10] = 0.7
    assert overlooked(nothing) == 0.0
    assert overlooked(doubtful) == pytest.approx(0.7)
