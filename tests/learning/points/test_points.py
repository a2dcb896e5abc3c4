import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.points.boxes import boxes_to_points, points_to_boxes, side_of
from backend.learning.points.choice import any_number
from backend.learning.points.evaluation import evaluate, matches
from backend.learning.points.spacing import MAX_SPACING_SHARE, MIN_SPACING_SHARE, spacings
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Prediction

SIZE = (300, 400)
DIAGONAL = 500.0


def frame(*points: tuple[float, float], label: str = "cell", task: int = 1) -> LabeledFrame:
    return LabeledFrame(Frame(task, np.zeros((1, 1, 3), np.uint8), *SIZE), dots(*points, label=label))


def dots(*points: tuple[float, float], label: str = "cell") -> tuple[Instance, ...]:
    return tuple(Instance(label, (x, y, x + 1, y + 1), keypoints=(Keypoint(label, x, y),)) for x, y in points)


# -- spacing


def test_no_point_and_one_point() -> None:
    assert spacings(np.zeros((0, 2)), SIZE).shape == (0,)
    assert spacings(np.array([[5.0, 5.0]]), SIZE) == pytest.approx([MAX_SPACING_SHARE * DIAGONAL])


def test_spacing_is_the_mean_distance_to_the_nearest_three() -> None:
    row = np.array([[x, 0.0] for x in (0, 10, 20, 30, 200)])
    assert spacings(row, SIZE)[:2] == pytest.approx([20.0, 40 / 3])
    assert spacings(row, SIZE)[4] == pytest.approx(MAX_SPACING_SHARE * DIAGONAL)
    assert spacings(np.zeros((2, 2)), SIZE) == pytest.approx([MIN_SPACING_SHARE * DIAGONAL] * 2)


# -- which way to learn


@pytest.mark.parametrize(
    ("frames", "many"),
    [
        ([], False),
        ([()], False),
        ([((1, 1),), ((2, 2),)], False),
        ([((1, 1), (9, 9))], True),
        ([((1, 1), (9, 9)), *[((1, 1),)] * 8], True),
        ([((1, 1), (9, 9)), *[((1, 1),)] * 9], False),
    ],
)
def test_labels_tell_whether_points_are_counted(frames: list[tuple[tuple[float, float], ...]], many: bool) -> None:
    assert any_number([frame(*points) for points in frames]) is many


def test_the_named_points_of_one_object_are_not_counted() -> None:
    points = tuple(Keypoint(name, 1.0, 1.0) for name in ("nose", "tail", "paw"))
    pose = LabeledFrame(frame().frame, (Instance("", (0.0, 0.0, 2.0, 2.0), keypoints=points),))
    assert not any_number([pose])


# -- boxes


def test_points_become_boxes_and_boxes_points() -> None:
    one = frame((100, 200), (110, 200))
    side = side_of([one])
    assert side == pytest.approx(10 / DIAGONAL)
    found = points_to_boxes(one, side)
    assert [i.box for i in found.instances] == [(95, 195, 105, 205), (105, 195, 115, 205)]
    [first, second] = boxes_to_points(Prediction(1, found.instances, 1.0)).instances
    assert [(p.label, p.x, p.y) for p in (*first.keypoints, *second.keypoints)] == [
        ("cell", 100, 200),
        ("cell", 110, 200),
    ]
    assert side_of([]) == MAX_SPACING_SHARE


def test_points_of_one_object_are_taken_for_many_where_others_are() -> None:
    keypoints = (Keypoint("cell", 10.0, 10.0), Keypoint("seed", 50.0, 50.0))
    pose = LabeledFrame(frame().frame, (Instance("", (0.0, 0.0, 60.0, 60.0), keypoints=keypoints),), weight=0.4)
    found = points_to_boxes(pose, 0.02)
    assert [i.label for i in found.instances] == ["cell", "seed"]
    assert found.weight == 1.0


# -- measure


def test_a_frame_without_points_is_measured() -> None:
    assert evaluate([], [frame()]).f1 is None
    assert evaluate([Prediction(1, dots((1, 1)), 1.0)], [frame()]).precision == 0
    assert evaluate([], [frame((1, 1))]).recall == 0


def test_near_is_half_the_spacing_and_of_lonely_ones_a_share_of_the_frame() -> None:
    truth = frame((100, 100), (120, 100))
    for off, hits in ((9.9, 2), (10.1, 0)):
        found = evaluate([Prediction(1, dots((100, 100 + off), (120, 100 - off)), 1.0)], [truth])
        assert (found.recall, found.precision) == (hits / 2, hits / 2)
    reach = MAX_SPACING_SHARE * DIAGONAL / 2
    for off, recall in ((reach - 0.1, 1), (reach + 0.1, 0)):
        assert evaluate([Prediction(1, dots((50 + off, 50)), 1.0)], [frame((50, 50))]).recall == recall


def test_each_point_is_found_once_and_by_its_own_label() -> None:
    assert len(matches(dots((100, 100), (101, 100)), dots((100, 100)), SIZE)) == 1
    assert matches(dots((100, 100), label="seed"), dots((100, 100)), SIZE) == []
    # The nearer one is taken where both would do, and as many as possible are.
    assert matches(dots((102, 100), (100, 100)), dots((100, 100)), SIZE) == [(1, 0)]
    assert len(matches(dots((100, 100), (92, 100)), dots((96, 100), (104, 100)), SIZE)) == 2


places = st.lists(st.tuples(st.floats(0, 300), st.floats(0, 400)), max_size=12, unique=True)


@given(places)
def test_the_truth_itself_is_right(points: list[tuple[float, float]]) -> None:
    found = evaluate([Prediction(1, dots(*points), 1.0)], [frame(*points)])
    assert found.f1 == (1.0 if points else None)


@given(places, places)
def test_hits_are_no_more_than_points(shown: list[tuple[float, float]], drawn: list[tuple[float, float]]) -> None:
    pairs = matches(dots(*shown), dots(*drawn), SIZE)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs) <= min(len(shown), len(drawn))
    assert all(math.dist(shown[i], drawn[j]) <= MAX_SPACING_SHARE * DIAGONAL / 2 + 1e-6 for i, j in pairs)
