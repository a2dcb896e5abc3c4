import dataclasses

import pytest

from backend.learning import methods
from backend.learning.detection.config import DetectionConfig
from backend.learning.segmentation.config import SegmentationConfig
from backend.types import Weights
from tests.learning.cases import CASES


def test_of_boxes_nothing_is_known_of_how_many_there_are() -> None:
    own = CASES["boxes"].trained(unlabeled=()).weights
    here, there = DetectionConfig.from_metadata(own.metadata), methods.for_other_group(own)
    known = DetectionConfig.from_metadata(there.metadata)
    assert any(here.counts)
    assert known == dataclasses.replace(here, counts=((),) * len(here.labels))
    assert methods.method_of(there) is methods.method_of(own)


def test_of_masks_nothing_is_known_of_how_often_there_are_any() -> None:
    there = methods.for_other_group(CASES["masks"].trained(unlabeled=()).weights)
    assert SegmentationConfig.from_metadata(there.metadata).counts == ()


@pytest.mark.parametrize("head", ["pose", "classification"])
def test_of_points_and_classes_all_is_as_it_was(head: str) -> None:
    weights = Weights({}, {"head": head})
    assert methods.for_other_group(weights) is weights
