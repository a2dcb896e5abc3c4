import dataclasses

import numpy as np
import pytest

from backend.errors import TrainingError
from backend.learning.segmentation import micro_model
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.types import Weights
from tests.learning.cases import CASES
from tests.learning.segmentation.masked import masked_clip
from tests.learning.synthetic import LABELS


@pytest.fixture(scope="module")
def weights() -> Weights:
    return CASES["masks"].trained(unlabeled=()).weights


@pytest.fixture(scope="module")
def model(weights: Weights) -> SegmentationModel:
    return micro_model.load(weights, "cpu")


def test_no_frames(model: SegmentationModel) -> None:
    assert model.predict([]) == []


def test_answers_come_in_the_frames_order_and_size(model: SegmentationModel) -> None:
    frames = [one.frame for one in masked_clip(5).frames]
    predicted = model.predict(iter(reversed(frames)), masked_clip(5).labeled(1))
    assert [p.task for p in predicted] == [4, 3, 2, 1, 0]
    for one in predicted:
        assert 0 <= one.score <= 1
        assert all(i.mask is not None and i.mask.shape == (120, 160) and 0 <= i.score <= 1 for i in one.instances)


def test_order_counts_only_where_every_frame_has_its_own(model: SegmentationModel) -> None:
    frames = [one.frame for one in masked_clip(3).frames]
    labeled = masked_clip(5).labeled(4)
    alone = [look.odds for look, _ in model.see(frames)]
    for orders in ((0.0, None, 2.0), (1.0, 1.0, 2.0), (None, None, None)):
        mixed = [dataclasses.replace(f, order=o) for f, o in zip(frames, orders, strict=True)]
        assert all(np.array_equal(odds, own) for (_, odds), own in zip(model.see(mixed, labeled), alone, strict=True))
    assert not all(np.array_equal(odds, own) for (_, odds), own in zip(model.see(frames), alone, strict=True))


def test_many_frames_are_seen_in_parts(model: SegmentationModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_model, "FRAMES_PER_BATCH", 2)
    frames = [one.frame for one in masked_clip(5).frames]
    assert [p.task for p in model.predict(frames)] == [0, 1, 2, 3, 4]


def test_weights_round_trip(weights: Weights, model: SegmentationModel) -> None:
    again = micro_model.load(Weights(dict(weights.arrays), dict(weights.metadata)), "cpu")
    frame = masked_clip(1).frames[0].frame
    assert np.array_equal(again.logits_of(frame).odds, model.logits_of(frame).odds)
    assert weights.metadata["head"] == "segmentation"
    assert again.labels == LABELS
    assert again.nbytes > 100_000
    assert sum(array.nbytes for array in weights.arrays.values()) < 4e6


def test_other_weights_are_refused(weights: Weights) -> None:
    with pytest.raises(TrainingError, match="expected segmentation"):
        micro_model.load(Weights({}, {"format": "1", "head": "detection"}), "cpu")
    with pytest.raises(TrainingError, match="lack"):
        micro_model.load(Weights({}, weights.metadata), "cpu")
