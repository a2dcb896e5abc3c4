"""Clicks that contradict what is known of an object."""

import numpy as np
import pytest

from backend.learning.prompting import fallback_chain, mend, pick
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.types import Frame, Head, Mask, Prompt
from tests.learning.prompting.test_segment import BACKBONE, scene


def clicks(*points: tuple[int, int]) -> np.ndarray:
    return np.array(points, np.int64).reshape(-1, 2)


def test_a_click_beside_takes_away_what_is_not_the_object() -> None:
    frame, truth = scene()
    known = truth.copy()
    known[70:95, 75:105] = True  # the bite, filled
    found = mend.mended(frame, known, clicks((55, 50)), clicks((88, 80)), BACKBONE, mend.SHAPE_PRIOR_WEIGHT)
    assert found is not None
    assert not found[80, 88]
    assert found[50, 55]
    assert pick.iou(found, truth) > pick.iou(known, truth) + 0.1


def test_a_click_inside_brings_what_is_lacking() -> None:
    frame, truth = scene()
    known = truth.copy()
    known[:, :60] = False
    found = mend.mended(frame, known, clicks((75, 45), (50, 60)), clicks(), BACKBONE, mend.SHAPE_PRIOR_WEIGHT)
    assert found is not None
    assert found[60, 50]
    assert pick.iou(found, truth) > pick.iou(known, truth) + 0.1


def test_far_from_the_clicks_it_stays_as_it_is_to_the_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 60, (400, 400, 3)).astype(np.uint8)
    comb = np.zeros((400, 400), bool)
    comb[100:300, 100:300] = np.arange(200) % 2 == 0  # finer than any cell
    comb[100:300, 100:103] = True
    comb[100:103, 100:300] = True
    image[comb] = 220
    found = mend.mended(
        Frame(1, image, 400, 400), comb, clicks((101, 200)), clicks((390, 390)), BACKBONE, mend.SHAPE_PRIOR_WEIGHT
    )
    assert found is not None
    assert np.array_equal(found[120:280, 120:280], comb[120:280, 120:280])


def test_what_is_known_well_changes_next_to_the_clicks_alone() -> None:
    frame, truth = scene()
    rows, columns = np.nonzero(truth)
    edge = int(columns[rows == 50].max())
    found = mend.mended(frame, truth, clicks((55, 50)), clicks((edge + 2, 50)), BACKBONE, mend.KNOWN_WEIGHT)
    assert found is not None
    assert not found[50, edge + 2]
    assert pick.iou(found, truth) > 0.9


def test_a_click_changes_as_much_as_it_is_far_from_the_outline() -> None:
    frame, truth = scene()
    known = truth.copy()
    known[60:95, 70:105] = True  # the bite, filled
    columns = np.flatnonzero(known[50])
    near = clicks((int(columns.max()) + 2, 50))  # beside the outline
    found = mend.mended(frame, known, clicks((55, 50), (int(near[0, 0]), 50)), clicks(), BACKBONE, mend.KNOWN_WEIGHT)
    assert found is not None
    rows, columns = np.nonzero(found ^ known)
    assert len(rows), "the click is heard"
    assert np.abs(columns - near[0, 0]).max() <= 3 * mend.WINDOW_DISTANCES + 1
    assert np.abs(rows - 50).max() <= 3 * mend.WINDOW_DISTANCES + 1
    deep = mend.mended(frame, known, clicks((55, 50)), clicks((88, 80)), BACKBONE, mend.KNOWN_WEIGHT)
    assert deep is not None
    assert np.count_nonzero(deep ^ known) > 4 * len(rows), "in the middle of the bite"


def test_clicks_that_agree_change_nothing() -> None:
    frame, truth = scene()
    found = mend.mended(frame, truth, clicks((55, 50), (75, 45)), clicks((5, 5), (88, 80)), BACKBONE, mend.KNOWN_WEIGHT)
    assert np.array_equal(found, truth)


@pytest.mark.parametrize("blank", [np.ones((120, 160), bool), np.zeros((120, 160), bool)], ids=["all", "nothing"])
def test_of_a_mask_without_outline_clicks_make_one(blank: Mask) -> None:
    frame = scene()[0]
    found = mend.mended(frame, blank, clicks((55, 50)), clicks((5, 5), (150, 110)), BACKBONE, mend.SHAPE_PRIOR_WEIGHT)
    assert found is not None
    assert found[50, 55]
    assert not found[5, 5]


def test_of_contradicting_clicks_nothing_or_a_mask_is_left() -> None:
    frame, truth = scene()
    found = mend.mended(frame, truth, clicks((55, 50)), clicks((55, 50)), BACKBONE, mend.SHAPE_PRIOR_WEIGHT)
    assert found is None or found.shape == truth.shape


class Knows(SegmentationModel):
    """A micro-model that sees a given mask."""

    def __init__(self, mask: Mask) -> None:
        self.seen = mask


@pytest.mark.parametrize("more", [((88, 80), False), ((50, 60), True)], ids=["beside", "inside"])
def test_clicks_overrule_the_micro_model(monkeypatch: pytest.MonkeyPatch, more: tuple[tuple[int, int], bool]) -> None:
    frame, truth = scene()
    known = truth.copy()
    known[70:95, 75:105] = True
    known[:, :60] = False
    chances = np.where(known, 0.95, 0.02).astype(np.float32)
    monkeypatch.setattr("backend.learning.prompting.own_model.chances", lambda *_: chances)
    context = fallback_chain.PromptContext(Head.SEGMENTATION, "disc", BACKBONE, model=SegmentationModel.__new__(Knows))
    place, positive = more
    inside, outside = ((75, 45), *[place] * positive), (place,) * (not positive)
    answer = fallback_chain.answer(frame, Prompt(inside=inside, outside=outside), context)
    assert answer is not None
    assert answer.who == fallback_chain.MICRO_MODEL
    assert answer.instance.mask is not None
    assert answer.instance.mask[place[1], place[0]] == positive
    assert pick.iou(answer.instance.mask, truth) > pick.iou(known, truth)
