import dataclasses

import numpy as np

from backend.learning import methods
from backend.learning.detection.config import Blueprint
from backend.learning.detection.hard_negatives import Mistake
from backend.learning.segmentation.config import SegmentationBlueprint
from backend.types import Weights
from tests.learning.cases import CASES


def test_of_boxes_nothing_is_known_of_how_many_there_are_and_of_what_fools_the_network() -> None:
    own = CASES["boxes"].trained(unlabeled=()).weights
    here = dataclasses.replace(Blueprint.from_metadata(own.metadata), mistakes=(Mistake(0, (0, 0, 1, 1), 0.9),))
    there = methods.for_other_group(Weights(own.arrays, {**own.metadata, **here.to_metadata()}))
    known = Blueprint.from_metadata(there.metadata)
    assert known == dataclasses.replace(here, counts=((),) * len(here.labels), mistakes=())
    assert methods.method_of(there) is methods.method_of(own)


def test_of_classes_the_time_of_the_known_frames_says_nothing() -> None:
    case = CASES["classes"]
    frames = [one.frame for one in case.split(12)[1]]
    own = case.trained(count=12).weights
    there = methods.for_other_group(own)
    assert np.isnan(there.arrays["orders"]).all()
    assert not np.isnan(own.arrays["orders"]).any()
    late = [dataclasses.replace(one, task=one.task + 100) for one in frames]
    found = methods.load(there, "cpu").predict(late)
    assert [p.task for p in found] == [one.task for one in late]
    assert all(0 <= p.score <= 1 for p in found)


def test_of_masks_nothing_is_known_of_how_often_there_are_any() -> None:
    there = methods.for_other_group(CASES["masks"].trained(unlabeled=()).weights)
    assert SegmentationBlueprint.from_metadata(there.metadata).counts == ()


def test_of_points_all_is_as_it_was() -> None:
    weights = Weights({}, {"head": "pose"})
    assert methods.for_other_group(weights) is weights
