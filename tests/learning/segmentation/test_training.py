import dataclasses

import numpy as np
import pytest
import torch

from backend.learning.segmentation import micro_model
from backend.types import Frame, LabeledFrame
from tests.learning.cases import CASES
from tests.learning.segmentation.masked import masked_clip, rectangle, without_objects

MASKS = CASES["masks"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def test_overlapping_labels_train() -> None:
    [frame] = masked_clip(1).frames
    both = dataclasses.replace(frame, instances=(*frame.instances, rectangle(160, 120, 0, 0, 159, 119, "square")))
    trained = MASKS.trained(labeled=[without_objects(frame), both], unlabeled=())
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values())


def test_grey_and_differently_sized_masks() -> None:
    [frame] = masked_clip(1).frames
    grey = np.ascontiguousarray(frame.frame.image[..., 0])
    small = np.ascontiguousarray(frame.frame.image[:61, :51])
    odd = [
        LabeledFrame(Frame(7, grey, 160, 120), ()),
        LabeledFrame(Frame(8, small, 51, 61), (rectangle(51, 61, 5, 5, 20, 20),)),
        LabeledFrame(Frame(9, small, 510, 610), (rectangle(510, 610, 50, 50, 200, 200),)),
    ]
    model = micro_model.load(MASKS.trained(labeled=[frame, *odd], unlabeled=()).weights, "cpu")
    assert [p.task for p in model.predict(f.frame for f in odd)] == [7, 8, 9]


@pytest.mark.slow
def test_an_empty_clip_stays_empty() -> None:
    frames = masked_clip(6, discs=0)
    bare = [f.frame for f in frames.others(2, 4)]
    trained = MASKS.trained(MASKS.short, labeled=frames.labeled(2, 4), unlabeled=bare)
    assert not any(p.instances for p in micro_model.load(trained.weights, "cpu").predict(bare, frames.labeled(2, 4)))
