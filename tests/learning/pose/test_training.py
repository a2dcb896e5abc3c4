import dataclasses

import numpy as np
import pytest
import torch

from backend.learning.pose import micro_model
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Weights
from tests.learning.cases import CASES
from tests.learning.pose.synthetic import NAMES, herd

POINTS = CASES["points"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def _trains(labeled: list[LabeledFrame], names: tuple[str, ...] = NAMES) -> Weights:
    trained = POINTS.trained(labeled=labeled, unlabeled=(), labels=names)
    assert np.isfinite(trained.metrics["loss"])
    assert all(np.isfinite(array).all() for array in trained.weights.arrays.values())
    micro_model.load(trained.weights, "cpu").predict([one.frame for one in labeled])
    return trained.weights


@pytest.mark.parametrize("boxed", [False, True])
def test_frames_without_keypoints_train(boxed: bool) -> None:
    bare = [dataclasses.replace(one, instances=()) for one in herd(2)]
    _trains(bare)
    boxes = tuple(dataclasses.replace(one, keypoints=()) for one in herd(1, boxed=boxed)[0].instances)
    _trains([dataclasses.replace(bare[0], instances=boxes), *herd(1, boxed=boxed, seed=1)])


def test_keypoints_that_are_never_or_seldom_there() -> None:
    frames = herd(3)
    few = [
        dataclasses.replace(one, instances=(dataclasses.replace(one.instances[0], keypoints=one.instances[0].keypoints[:n]),))
        for n, one in enumerate(frames)
    ]  # fmt: skip
    _trains(few)
    _trains(frames, (*NAMES, "ghost"))


def test_odd_labels_cost_nothing_but_themselves() -> None:
    [frame] = herd(1, boxed=True)
    [good] = frame.instances
    points = (Keypoint("unicorn", 1, 1), Keypoint("head", float("nan"), 3), Keypoint("tail", -500, 900))
    odd = [
        Instance("animal", (9, 9, 9, 30), keypoints=good.keypoints),
        Instance("", (0, 0, 0, 0), keypoints=good.keypoints),
        Instance("animal", (3, 3, 40, 40), keypoints=points),
        Instance("animal", (-90, -90, -50, -50), keypoints=(*good.keypoints, good.keypoints[0])),
    ]
    _trains([dataclasses.replace(frame, instances=(good, *odd))])


def test_one_keypoint_grey_small_and_reduced_frames() -> None:
    [frame] = herd(1)
    image = frame.frame.image
    grey = LabeledFrame(Frame(7, np.ascontiguousarray(image[..., 0]), 160, 120), frame.instances)
    small = LabeledFrame(Frame(8, np.ascontiguousarray(image[:9, :7]), 7, 9), ())
    reduced = LabeledFrame(Frame(9, np.ascontiguousarray(image[::2, ::2]), 160, 120), frame.instances)
    _trains([grey, small, reduced], ("head",))


def test_points_in_boxes_are_no_start_for_points_alone() -> None:
    start = CASES["points in boxes"].trained(unlabeled=()).weights
    assert POINTS.trained(start=start, unlabeled=()).metrics["warm"] == 0.0
