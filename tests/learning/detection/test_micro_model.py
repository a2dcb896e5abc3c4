import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from backend.errors import TrainingError
from backend.learning.detection import micro_model
from backend.learning.detection.candidates import united, without_small
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.micro_model import DetectionModel
from backend.learning.detection.refinement import without_refinement
from backend.types import Frame, Weights
from tests.learning.cases import CASES
from tests.learning.synthetic import LABELS, clip


@pytest.fixture(scope="module")
def weights() -> Weights:
    return CASES["boxes"].trained(unlabeled=()).weights


@pytest.fixture(scope="module")
def model(weights: Weights) -> DetectionModel:
    return micro_model.load(weights, "cpu")


def test_no_frames(model: DetectionModel) -> None:
    assert model.predict([]) == []


def test_frames_are_streamed_and_answered_in_their_order(model: DetectionModel) -> None:
    frames = [labeled.frame for labeled in clip(6).frames]
    assert [p.task for p in model.predict(iter(reversed(frames)), clip(6).labeled(1))] == [5, 4, 3, 2, 1, 0]


def test_scores_and_boxes_stay_inside(model: DetectionModel) -> None:
    frames = [labeled.frame for labeled in clip(6).frames]
    for frame, prediction in zip(frames, model.predict(frames), strict=True):
        assert 0 <= prediction.score <= 1
        for one in prediction.instances:
            assert one.label in LABELS
            assert 0 <= one.score <= 1
            assert 0 <= one.box[0] < one.box[2] <= frame.width
            assert 0 <= one.box[1] < one.box[3] <= frame.height


def test_frames_without_order_and_of_equal_order(model: DetectionModel) -> None:
    frames = [dataclasses.replace(labeled.frame, order=None) for labeled in clip(3).frames]
    assert len(model.predict(frames)) == 3
    assert len(model.predict([dataclasses.replace(frame, order=1.0) for frame in frames], clip(3).labeled(0))) == 3


def test_tiny_grey_and_reduced_frames(model: DetectionModel) -> None:
    dot = Frame(1, np.zeros((1, 1, 3), np.uint8), 1, 1)
    grey = Frame(2, np.zeros((40, 60), np.uint8), 60, 40)
    reduced = Frame(3, np.zeros((40, 60, 3), np.uint8), 600, 400)
    assert [p.task for p in model.predict([dot, grey, reduced])] == [1, 2, 3]


def test_weights_come_back_as_they_were(weights: Weights, model: DetectionModel) -> None:
    copied = Weights({name: array.copy() for name, array in weights.arrays.items()}, dict(weights.metadata))
    frames = [labeled.frame for labeled in clip(3).frames]
    assert micro_model.load(copied, "cpu").predict(frames) == model.predict(frames)


def test_models_do_not_disturb_each_other(weights: Weights, model: DetectionModel) -> None:
    image = torch.rand(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    louder = Weights({name: array * np.float16(1.5) for name, array in weights.arrays.items()}, weights.metadata)
    with torch.inference_mode():
        before = model.network(image)
        assert not torch.equal(micro_model.load(louder, "cpu").network(image), before)
        assert torch.equal(model.network(image), before)
        assert torch.equal(micro_model.load(weights, "cpu").network(image), before)


def test_it_sees_what_its_weights_see_in_training(weights: Weights, model: DetectionModel) -> None:
    network, image = model.config.build(), torch.rand(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    network.take_state(without_refinement(weights).arrays)
    with torch.inference_mode():
        seen, plain = model.network(image).float(), network(image)
    assert (seen - plain).abs().max() < (1e-3 if model.network.dtype == torch.float32 else 0.5)


def test_other_weights_are_refused(weights: Weights) -> None:
    with pytest.raises(TrainingError, match="format none"):
        micro_model.load(Weights({}), "cpu")
    with pytest.raises(TrainingError, match="no such tensor"):
        micro_model.load(Weights({**weights.arrays, "x": np.zeros(1)}, weights.metadata), "cpu")
    short = {name: array[:1] for name, array in weights.arrays.items()}
    with pytest.raises(TrainingError, match="train this group again"):
        micro_model.load(Weights(short, weights.metadata), "cpu")
    some = dict(list(weights.arrays.items())[1:])
    with pytest.raises(TrainingError, match="lack"):
        micro_model.load(Weights(some, weights.metadata), "cpu")


def test_says_what_it_takes(model: DetectionModel) -> None:
    assert 1e6 < model.nbytes < 2e7
    assert model.labels == LABELS


def test_large_objects_are_looked_for_at_half_the_scale_too_where_the_config_says_so(weights: Weights) -> None:
    def loaded(**changes: Any) -> DetectionModel:
        before = DetectionConfig.from_metadata(weights.metadata)
        config = dataclasses.replace(before, score_floor=0.0, most_candidates=40, refinement=False, **changes)
        return micro_model.load(Weights(weights.arrays, {**weights.metadata, **config.to_metadata()}), "cpu")

    frame, large = clip(1).frames[0].frame, 15.0
    scale = DetectionConfig.from_metadata(weights.metadata).scale
    fine, coarse, both = (
        loaded(**changes).candidates_of(frame).candidates
        for changes in (
            {},
            {"factor": scale.halved.factor, "pixels": scale.halved.pixels},
            {"large": large * scale.of(frame.width, frame.height)},
        )
    )
    expected = united([fine, without_small(coarse, large)], loaded().config.overlap, 40)
    assert np.array_equal(both.boxes, expected.boxes)
    assert {*both.scores} & {*coarse.scores}
    assert {*both.scores} & {*fine.scores}
