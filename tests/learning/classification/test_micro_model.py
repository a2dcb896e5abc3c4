import numpy as np
import pytest

from backend.errors import TrainingError, WeightsUnusable
from backend.learning import methods
from backend.learning.classification import micro_model
from backend.learning.classification.micro_model import ClassificationModel
from backend.types import Weights
from tests.learning.cases import CASES
from tests.learning.classification.classes import LABELS, clip, split

LABELED, OTHERS = split(clip(12), 1, 4, 7, 10)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return CASES["classes"].trained(labeled=LABELED, unlabeled=[one.frame for one in OTHERS]).weights


@pytest.fixture(scope="module")
def model(weights: Weights) -> ClassificationModel:
    return micro_model.load(weights, "cpu")


def test_no_frames(model: ClassificationModel) -> None:
    assert model.predict([]) == []


def test_each_frame_is_answered_by_itself(model: ClassificationModel) -> None:
    together = model.predict(one.frame for one in OTHERS)
    assert [p.task for p in together] == [one.frame.task for one in OTHERS]
    assert together == [model.predict([one.frame])[0] for one in OTHERS]


def test_labelled_frames_are_answered_as_labelled(model: ClassificationModel) -> None:
    predictions = model.predict([one.frame for one in LABELED])
    assert [p.instances[0].label for p in predictions] == [one.instances[0].label for one in LABELED]


def test_weights_round_trip(weights: Weights, model: ClassificationModel) -> None:
    again = micro_model.load(Weights(dict(weights.arrays), dict(weights.metadata)), "cpu")
    frames = [one.frame for one in OTHERS]
    assert again.predict(frames) == model.predict(frames)
    assert again.labels == LABELS
    assert again.nbytes > sum(array.nbytes for array in weights.arrays.values())
    assert all(isinstance(array, np.ndarray) for array in weights.arrays.values())


def test_other_weights_are_refused(weights: Weights) -> None:
    with pytest.raises(TrainingError, match="expected classification"):
        micro_model.load(Weights({}, {"format": "1", "head": "detection"}), "cpu")
    with pytest.raises(TrainingError, match="format 2; expected classification, format 3: train this group again"):
        micro_model.load(Weights(weights.arrays, {**weights.metadata, "format": "2"}), "cpu")
    with pytest.raises(TrainingError, match="lack"):
        micro_model.load(Weights({}, weights.metadata), "cpu")


def test_those_of_the_method_before_are_refused(weights: Weights) -> None:
    before = Weights(weights.arrays, {**weights.metadata, "format": "2", "method": "kernel_average"})
    with pytest.raises(WeightsUnusable, match=r"by 'kernel_average'.*Train this group again"):
        methods.load(before, "cpu")
    assert methods.ensemble(weights, before) is weights
