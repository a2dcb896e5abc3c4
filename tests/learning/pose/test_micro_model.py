import numpy as np
import pytest

from backend.errors import TrainingError
from backend.learning.pose import micro_model
from backend.learning.pose.micro_model import PoseModel
from backend.types import Frame, Instance, Weights
from tests.learning.cases import CASES
from tests.learning.pose.synthetic import NAMES, herd


@pytest.fixture(scope="module")
def weights() -> Weights:
    return CASES["points"].trained(unlabeled=()).weights


@pytest.fixture(scope="module")
def alone(weights: Weights) -> PoseModel:
    return micro_model.load(weights, "cpu")


@pytest.fixture(scope="module")
def boxed() -> PoseModel:
    return micro_model.load(CASES["points in boxes"].trained(unlabeled=()).weights, "cpu")


def test_no_frames(alone: PoseModel, boxed: PoseModel) -> None:
    assert alone.predict([]) == []
    assert boxed.predict([], (), {}) == []


def test_frames_are_answered_in_their_order(alone: PoseModel) -> None:
    frames = [one.frame for one in herd(4)]
    assert [p.task for p in alone.predict(iter(reversed(frames)), herd(2))] == [3, 2, 1, 0]


def test_a_frame_without_parents_has_no_instances(boxed: PoseModel) -> None:
    frames = herd(3, animals=2, boxed=True)
    shown = boxed.predict([one.frame for one in frames], (), {0: frames[0].instances, 1: ()})
    assert [len(p.instances) for p in shown] == [2, 0, 0]
    assert [len(p.instances) for p in boxed.predict([frames[0].frame])] == [0]


def test_parents_keep_what_they_are(boxed: PoseModel) -> None:
    parents = (
        Instance("animal", (10.0, 10, 60, 70), region_id="a"),
        Instance("other", (5.0, 5, 5, 5), region_id="b"),
        Instance("animal", (-400.0, -400, -300, -300), region_id="c"),
    )
    [prediction] = boxed.predict([herd(1)[0].frame], (), {0: parents})
    assert [(one.label, one.box, one.region_id) for one in prediction.instances] == [
        (one.label, one.box, one.region_id) for one in parents
    ]


def test_scores_and_places_stay_inside(boxed: PoseModel, alone: PoseModel) -> None:
    frames = herd(3, boxed=True)
    parents = {one.frame.task: one.instances for one in frames}
    plain = [one.frame for one in frames]
    for prediction in [*boxed.predict(plain, (), parents), *alone.predict(plain)]:
        assert 0 <= prediction.score <= 1
        for one in prediction.instances:
            assert 0 <= one.score <= 1
            for point in one.keypoints:
                assert point.label in NAMES
                assert 0 <= point.score <= 1
                assert 0 <= point.x <= 160
                assert 0 <= point.y <= 120


def test_tiny_grey_and_reduced_frames(alone: PoseModel, boxed: PoseModel) -> None:
    frames = [
        Frame(1, np.zeros((1, 1, 3), np.uint8), 1, 1),
        Frame(2, np.zeros((40, 60), np.uint8), 60, 40),
        Frame(3, np.zeros((40, 60, 3), np.uint8), 600, 400),
    ]
    assert [p.task for p in alone.predict(frames)] == [1, 2, 3]
    parents = {i: (Instance("animal", (0.0, 0, 30, 40)),) for i in (1, 2, 3)}
    assert [p.task for p in boxed.predict(frames, (), parents)] == [1, 2, 3]


def test_weights_come_back_as_they_were(weights: Weights, alone: PoseModel) -> None:
    copied = Weights({name: array.copy() for name, array in weights.arrays.items()}, dict(weights.metadata))
    again = micro_model.load(copied, "cpu")
    assert again.config == alone.config
    frames = [one.frame for one in herd(3)]
    assert again.predict(frames) == alone.predict(frames)


def test_other_weights_are_refused(weights: Weights) -> None:
    with pytest.raises(TrainingError, match="format none"):
        micro_model.load(Weights({}), "cpu")
    some = dict(list(weights.arrays.items())[1:])
    with pytest.raises(TrainingError, match="lack"):
        micro_model.load(Weights(some, weights.metadata), "cpu")


def test_says_what_it_takes(alone: PoseModel) -> None:
    assert 1e6 < alone.nbytes < 2e7
    assert alone.labels == NAMES
