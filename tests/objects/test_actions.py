"""What a person would do until a prediction is right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bench.annotator import mend
from backend.instances import Instances
from backend.objects.actions import actions
from backend.types import Head

BOX, FAR, NEAR = (0, 0, 10, 10), (50, 50, 60, 60), (5, 0, 15, 10)


def some(*rows: tuple[str, tuple[int, ...]]) -> Instances:
    return Instances([box for _, box in rows], [label for label, _ in rows])


@pytest.mark.parametrize(
    ("shown", "truth", "count"),
    [
        ([], [], 0), ([("a", BOX)], [("a", BOX)], 0), ([], [("a", BOX)], 1), ([("a", BOX)], [], 1),
        ([("b", BOX)], [("a", BOX)], 1), ([("a", NEAR)], [("a", BOX)], 1), ([("b", NEAR)], [("a", BOX)], 1),
        ([("a", FAR)], [("a", BOX)], 2), ([("a", BOX), ("a", BOX)], [("a", BOX)], 1),
        ([("b", BOX), ("a", NEAR)], [("a", BOX)], 2), ([("a", FAR)], [("a", FAR), ("b", BOX)], 1),
    ],
)  # fmt: skip
def test_boxes(shown: list[tuple[str, tuple[int, ...]]], truth: list[tuple[str, tuple[int, ...]]], count: int) -> None:
    assert actions(Head.DETECTION, some(*shown), some(*truth)) == count


corner = st.integers(0, 20)
box = st.tuples(corner, corner, st.integers(4, 20), st.integers(4, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
scenes = st.lists(st.tuples(st.sampled_from("ab"), box), max_size=4).map(lambda rows: some(*rows))


@given(scenes, scenes)
def test_never_more_than_drawing_all_anew_and_none_for_the_truth(shown: Instances, truth: Instances) -> None:
    count = actions(Head.DETECTION, shown, truth)
    assert abs(len(shown) - len(truth)) <= count <= len(shown) + len(truth)
    assert actions(Head.DETECTION, truth, truth) == 0


@given(scenes, scenes)
def test_boxes_are_counted_as_the_simulated_person_of_the_benchmark_mends_them(
    shown: Instances, truth: Instances
) -> None:
    before = {one.region_id: one for one in shown.with_columns(track=range(len(shown))).single()}
    after = mend(Head.DETECTION, list(before.values()), truth.single())
    there = {one.region_id: one for one in after if one.region_id is not None}
    changed = sum(before[id_] is not one for id_, one in there.items())
    drawn, deleted = len(after) - len(there), len(before) - len(there)
    assert actions(Head.DETECTION, shown, truth) == changed + drawn + deleted


def test_masks_are_drawn_anew_where_they_are_off() -> None:
    good, bad = np.zeros((2, 1, 10, 10), bool)
    good[0, :5], bad[0, :2] = True, True
    truth = Instances([(0, 0, 10, 5)], ["a"], mask=good)
    assert actions(Head.SEGMENTATION, truth, truth) == 0
    assert actions(Head.SEGMENTATION, truth.with_columns(mask=bad), truth) == 1
    assert actions(Head.SEGMENTATION, truth.with_columns(label=["b"]), truth) == 2
    assert actions(Head.SEGMENTATION, Instances(), truth) == 1


def test_points_are_moved_set_and_deleted() -> None:
    def pose(*points: tuple[float, float]) -> Instances:
        return Instances([(0, 0, 30, 40)], ["a"], keypoints=[points], keypoint_names=["x", "y"])

    nowhere = (np.nan, np.nan)
    truth = pose((10, 10), (20, 20))
    assert actions(Head.POSE, truth, truth) == 0
    assert actions(Head.POSE, pose((10, 12), (20, 23)), truth) == 1
    assert actions(Head.POSE, pose((10, 10), nowhere), truth) == 1
    assert actions(Head.POSE, truth, pose((10, 10), nowhere)) == 1
    assert actions(Head.POSE, Instances(), truth) == 2
    assert actions(Head.POSE, truth, Instances()) == 1


def test_classes_are_chosen() -> None:
    assert actions(Head.CLASSIFICATION, some(("a", BOX)), some(("a", BOX))) == 0
    assert actions(Head.CLASSIFICATION, Instances(), some(("a", BOX))) == 1
