import dataclasses

from backend.learning.pose.evaluation import evaluate
from backend.types import Instance, Keypoint, LabeledFrame, Prediction
from tests.learning.pose.synthetic import herd


def _shown(labeled: LabeledFrame, *instances: Instance) -> Prediction:
    return Prediction(labeled.frame.task, instances or labeled.instances, 1.0)


def test_nothing_has_no_figures() -> None:
    empty = evaluate([], [])
    assert (empty.frames, empty.recall, empty.precision, empty.f1) == (0, None, None, None)


def test_the_truth_is_perfect_in_any_order() -> None:
    [frame] = herd(1, animals=2, boxed=True)
    assert evaluate([_shown(frame, *reversed(frame.instances))], [frame]).f1 == 1


def test_missing_surplus_and_misplaced_points_cost() -> None:
    [frame] = herd(1)
    [one] = frame.instances
    assert evaluate([], [frame]).recall == 0
    fewer = dataclasses.replace(one, keypoints=one.keypoints[:2])
    found = evaluate([_shown(frame, fewer)], [frame])
    assert (found.recall, found.precision) == (0.5, 1.0)
    more = dataclasses.replace(one, keypoints=(*one.keypoints, Keypoint("x", 1, 1)))
    assert evaluate([_shown(frame, more)], [frame]).precision == 4 / 5
    first = dataclasses.replace(one.keypoints[0], x=one.keypoints[0].x + 30)
    moved = dataclasses.replace(one, keypoints=(first, *one.keypoints[1:]))
    assert evaluate([_shown(frame, moved)], [frame]).recall == 3 / 4
