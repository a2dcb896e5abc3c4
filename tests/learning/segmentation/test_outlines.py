from dataclasses import replace

import numpy as np
import pytest

from backend.learning.segmentation.flow import Floats, FlowFrame, flows_between, log_odds_of_masks
from backend.learning.segmentation.outlines import carried_overlaps, keep_own_outlines
from backend.types import Mask

SIDE = 32
Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a part."""


def mask_of(*boxes: Box) -> Mask:
    mask = np.zeros((SIDE, SIDE), bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def still(*masks: Mask, drawn: bool = False) -> FlowFrame:
    """A frame in which nothing moves, with a mask for each label."""
    return FlowFrame(np.zeros((SIDE // 2, SIDE // 2), np.uint8), log_odds_of_masks(np.array(masks)), drawn)


def kept(frames: list[FlowFrame], fused: list[Floats]) -> list[Mask]:
    return [odds[0] > 0 for odds in keep_own_outlines(frames, fused, flows_between(frames))]


WIDE, NARROW = mask_of((4, 4, 16, 16)), mask_of((4, 4, 10, 10))
ELSEWHERE = mask_of((20, 20, 28, 28))


def test_what_the_next_frames_see_is_compared_with_what_was_drawn() -> None:
    frames = [still(NARROW, WIDE), still(WIDE, WIDE, drawn=True), still(WIDE, WIDE)]
    found = carried_overlaps(frames, flows_between(frames))
    assert found == pytest.approx([(0.25 + 1) / 2, 1])


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [still(WIDE)],
        [still(WIDE), still(NARROW)],
        [still(WIDE, drawn=True), still(NARROW, drawn=True)],
        [still(mask_of(), drawn=True), still(NARROW)],
    ],
)
def test_where_nothing_tells_neighbours_are_believed(frames: list[FlowFrame]) -> None:
    assert (carried_overlaps(frames, flows_between(frames)) == 1).all()
    fused = [log_odds_of_masks(WIDE[None])] * len(frames)
    assert all((mask == WIDE).all() for mask in kept(frames, fused))


def test_frames_that_do_not_follow_one_another_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    frames = [
        FlowFrame(rng.integers(0, 256, (SIDE, SIDE), np.uint8), one.odds, one.drawn)
        for one in (still(WIDE, drawn=True), still(NARROW))
    ]
    assert carried_overlaps(frames, flows_between(frames)) == [1]


def test_where_flow_carries_outlines_they_are_those_of_all_frames_together() -> None:
    frames = [still(WIDE, drawn=True), still(WIDE), still(NARROW)]
    assert (kept(frames, [log_odds_of_masks(WIDE[None])] * 3)[2] == WIDE).all()


def test_where_it_does_not_outlines_are_the_frames_own_and_neighbours_tell_what_is_there() -> None:
    drawn, seen = still(WIDE, drawn=True), still(NARROW | ELSEWHERE)
    seen = replace(seen, odds=10 * np.sign(seen.odds))  # networks are surer than neighbours
    alone = mask_of((20, 4, 26, 10))  # what only the neighbours know of
    fused = [drawn.odds, log_odds_of_masks((WIDE | alone)[None])]
    assert (kept([drawn, seen], fused)[1] == (NARROW | alone)).all()
    assert (kept([drawn, seen], fused)[0] == WIDE).all()  # what a person drew stays
