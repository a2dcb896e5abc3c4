import dataclasses

import numpy as np

from backend.learning import methods
from backend.learning.classification import training as class_training
from backend.learning.detection import training
from backend.learning.detection.config import Blueprint
from backend.learning.detection.hard_negatives import Mistake
from backend.types import Weights
from tests.learning.classification import classes
from tests.learning.classification.test_training import QUICK as CLASS_QUICK
from tests.learning.detection.test_training import QUICK
from tests.learning.synthetic import LABELS, clip


def test_of_boxes_nothing_is_known_of_how_many_there_are_and_of_what_fools_the_network() -> None:
    own = training.train(clip(3).labeled(0, 2), [], LABELS, QUICK, device="cpu").weights
    here = dataclasses.replace(Blueprint.from_metadata(own.metadata), mistakes=(Mistake(0, (0, 0, 1, 1), 0.9),))
    there = methods.elsewhere(Weights(own.arrays, here.to_metadata()))
    known = Blueprint.from_metadata(there.metadata)
    assert known == dataclasses.replace(here, counts=((),) * len(LABELS), mistakes=())
    frames = [labeled.frame for labeled in clip(6).frames]
    assert len(methods.load(there, "cpu").predict(frames)) == 6


def test_of_classes_the_time_of_the_known_frames_says_nothing() -> None:
    labeled, others = classes.split(classes.clip(12), 1, 4, 7, 10)
    frames = [one.frame for one in others]
    own = class_training.train(labeled, frames, classes.LABELS, CLASS_QUICK, device="cpu").weights
    there = methods.elsewhere(own)
    assert np.isnan(there.arrays["orders"]).all()
    assert not np.isnan(own.arrays["orders"]).any()
    late = [dataclasses.replace(one, task=one.task + 100) for one in frames]
    found = methods.load(there, "cpu").predict(late)
    assert [p.task for p in found] == [one.task for one in late]
    assert all(0 <= p.score <= 1 for p in found)


def test_other_heads_are_as_they_were() -> None:
    weights = Weights({}, {"head": "segmentation"})
    assert methods.elsewhere(weights) is weights
