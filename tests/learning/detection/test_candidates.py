import numpy as np

from backend.learning.detection.candidates import Candidates, no_candidates, united, without_small


def seen(*found: tuple[float, float, int]) -> Candidates:
    """Squares of 10 pixels at an x, with their scores and classes."""
    boxes = np.array([[x, 0, x + 10, 10] for x, _, _ in found], np.float32).reshape(-1, 4)
    scores, classes = (np.array([one[n] for one in found], dtype) for n, dtype in ((1, np.float32), (2, np.int64)))
    return Candidates(boxes, scores, classes)


def test_what_two_scales_see_is_told_once_by_the_surer_one() -> None:
    both = united([seen((0, 0.5, 0), (50, 0.9, 0)), seen((1, 0.8, 0), (80, 0.3, 0))], 0.55, 100)
    assert both.boxes[:, 0].tolist() == [50, 1, 80]
    assert both.scores.tolist() == np.array([0.9, 0.8, 0.3], np.float32).tolist()
    assert both.classes.tolist() == [0, 0, 0]


def test_other_labels_in_the_same_place_and_neighbours_stay() -> None:
    both = united([seen((0, 0.5, 0)), seen((0, 0.8, 1), (5, 0.3, 0))], 0.55, 100)
    assert list(zip(both.boxes[:, 0], both.classes, strict=True)) == [(0, 1), (0, 0), (5, 0)]


def test_no_more_than_asked_for_and_nothing_of_nothing() -> None:
    assert united([seen((0, 0.5, 0)), seen((50, 0.8, 0))], 0.55, 1).boxes[:, 0].tolist() == [50]
    assert len(united([no_candidates(), no_candidates()], 0.55, 100)) == 0


def test_what_is_small_is_left_out() -> None:
    both = seen((0, 0.5, 0), (50, 0.9, 1))
    both.boxes[1, 2:] += 10
    assert without_small(both, 20).classes.tolist() == [1]
    assert len(without_small(both, 10)) == 2
    assert len(without_small(no_candidates(), 20)) == 0
