import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.detection.evaluation import evaluate, matches
from backend.types import Frame, Instance, LabeledFrame, Prediction

BLANK = Frame(1, np.zeros((1, 1, 3), np.uint8), 1, 1)
A, B = (0.0, 0.0, 10.0, 10.0), (50.0, 0.0, 60.0, 10.0)
boxes = st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 50)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
instances = st.lists(st.builds(Instance, st.sampled_from(["a", "b"]), boxes), max_size=5).map(tuple)


def _predicted(*found: Instance) -> list[Prediction]:
    return [Prediction(1, found, 1.0)]


def _truth(*drawn: Instance) -> list[LabeledFrame]:
    return [LabeledFrame(BLANK, drawn)]


def test_nothing_at_all() -> None:
    metrics = evaluate([], [])
    assert (metrics.frames, metrics.recall, metrics.precision, metrics.f1) == (0, None, None, None)


@pytest.mark.parametrize(
    ("found", "drawn", "recall", "precision", "f1"),
    [
        ((), (Instance("a", A),), 0.0, None, 0.0),
        ((Instance("a", A),), (), None, 0.0, 0.0),
        ((Instance("a", A),), (Instance("a", A),), 1.0, 1.0, 1.0),
        ((Instance("b", A),), (Instance("a", A),), 0.0, 0.0, 0.0),
        ((Instance("a", A), Instance("a", A)), (Instance("a", A),), 1.0, 0.5, 2 / 3),
        ((Instance("a", A),), (Instance("a", A), Instance("a", B)), 0.5, 1.0, 2 / 3),
        ((Instance("a", (0.0, 0.0, 10.0, 4.9)),), (Instance("a", A),), 0.0, 0.0, 0.0),
        ((Instance("a", (0.0, 0.0, 10.0, 5.0)),), (Instance("a", A),), 1.0, 1.0, 1.0),
    ],
)
def test_figures(
    found: tuple[Instance, ...], drawn: tuple[Instance, ...], recall: float | None, precision: float | None, f1: float
) -> None:
    metrics = evaluate(_predicted(*found), _truth(*drawn))
    assert (metrics.recall, metrics.precision) == (recall, precision)
    assert metrics.f1 == pytest.approx(f1)


def test_a_frame_without_a_prediction_shows_nothing() -> None:
    assert evaluate([], _truth(Instance("a", A))).recall == 0.0


@given(instances)
def test_the_truth_is_perfect(drawn: tuple[Instance, ...]) -> None:
    assert matches(drawn, drawn, 0.5) == len(drawn)


@given(instances, instances)
def test_matches_are_pairs_whichever_way_round(found: tuple[Instance, ...], drawn: tuple[Instance, ...]) -> None:
    count = matches(found, drawn, 0.5)
    assert count == matches(drawn, found, 0.5)
    assert count <= min(len(found), len(drawn))
