import dataclasses

import pytest

from backend.learning.segmentation.evaluation import SegmentationMetrics, evaluate
from backend.types import Prediction
from tests.learning.segmentation.masked import masked_clip, rectangle, without_objects

FRAMES = masked_clip(2).frames
HALF, WHOLE = rectangle(160, 120, 0, 0, 10, 10), rectangle(160, 120, 0, 0, 20, 10)


def test_nothing_to_score() -> None:
    assert evaluate([], []) == SegmentationMetrics(0, None, None)
    assert evaluate([], [without_objects(FRAMES[0])]) == SegmentationMetrics(1, None, None)


def test_a_missed_mask_and_an_invented_one() -> None:
    missed = evaluate([], [FRAMES[0]])
    assert missed.overlap == 0
    invented = evaluate([Prediction(0, FRAMES[0].instances, 1.0)], [without_objects(FRAMES[0])])
    assert invented == SegmentationMetrics(1, None, 1.0)


def test_overlap_of_several_labels_and_frames() -> None:
    other = rectangle(160, 120, 50, 50, 60, 60, "b")
    truth = [dataclasses.replace(FRAMES[0], instances=(WHOLE, other)), without_objects(FRAMES[1])]
    found = evaluate([Prediction(0, (HALF, other), 1.0), Prediction(1, (), 1.0)], truth)
    assert found.overlap == pytest.approx(0.75)
    assert found.false_positives == 0
