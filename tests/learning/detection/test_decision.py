import dataclasses

import numpy as np
import pytest

from backend.learning.detection.blueprint import Blueprint
from backend.learning.detection.decision import Seen, decide, predictions
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.heads.base import Candidates, no_candidates
from backend.types import Frame, Instance, LabeledFrame

BLANK = np.zeros((4, 4, 3), np.uint8)


def _labeled(order: float | None, *xs: float) -> LabeledFrame:
    instances = tuple(Instance("a", (x, 10.0, x + 20.0, 30.0)) for x in xs)
    return LabeledFrame(Frame(100, BLANK, 400, 100, order), instances)


def _blueprint(*labeled: LabeledFrame) -> Blueprint:
    return plan(labeled, ("a", "b"), DetectionRecipe())


def _seen(task: int, order: float | None, *found: tuple[float, float]) -> Seen:
    boxes = np.array([[x, 10, x + 20, 30] for x, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32)
    return Seen(task, order, (400, 100), Candidates(boxes, scores, np.zeros(len(found), np.int64)))


def test_nothing_seen_is_probably_right() -> None:
    [prediction] = predictions(
        decide([Seen(1, None, (4, 4), no_candidates())], [], _blueprint(_labeled(0))), ("a", "b")
    )
    assert prediction.instances == ()
    assert prediction.score == 1.0


def test_neighbours_decide_where_there_is_order_and_only_there() -> None:
    labeled = [_labeled(20.0, 30), _labeled(21.0), _labeled(22.0)]
    frames = [_seen(i, float(i), (10 + i, 0.9 if i != 4 else 0.1)) for i in range(9)]
    blueprint = _blueprint(*labeled)
    assert all(p.instances for p in predictions(decide(frames, labeled, blueprint), blueprint.labels))
    unordered = [dataclasses.replace(one, order=None) for one in frames]
    assert not predictions(decide(unordered, labeled, blueprint), blueprint.labels)[4].instances


def test_the_frames_order_is_kept() -> None:
    frames = [_seen(i, float(-i), (10 + i, 0.9)) for i in range(8)]
    shown = predictions(decide(frames, [_labeled(-3.5, 13)], _blueprint(_labeled(-3.5, 13))), ("a", "b"))
    assert [p.task for p in shown] == list(range(8))
    assert [round(p.instances[0].box[0]) for p in shown] == [10 + i for i in range(8)]


def test_doubt_lowers_the_score() -> None:
    blueprint = _blueprint(_labeled(None, 30), _labeled(None, 50), _labeled(None, 70))
    sure, weak, torn = (
        predictions(decide([_seen(1, None, *found)], [], blueprint), ("a", "b"))[0].score
        for found in ([(10, 0.95)], [(10, 0.3)], [(10, 0.95), (200, 0.6)])
    )
    assert 0 <= torn < sure
    assert weak < sure <= 1


@pytest.mark.parametrize("order", [None, 3.0])
def test_a_lone_frame_is_judged_alone(order: float | None) -> None:
    labeled = [_labeled(float(i * 20), 30) for i in range(5)]
    [prediction] = predictions(decide([_seen(1, order, (300, 0.5))], labeled, _blueprint(*labeled)), ("a", "b"))
    assert len(prediction.instances) == 1


def test_what_stands_there_weakly_is_judged_by_the_labels_next_in_time() -> None:
    labeled = [_labeled(20.5), *(_labeled(100.5 + i, 200) for i in range(20))]
    frames = [_seen(i, float(i), (200, 0.18)) for i in (*range(40), *range(90, 130))]
    shown = {p.task: len(p.instances) for p in predictions(decide(frames, labeled, _blueprint(*labeled)), ("a", "b"))}
    assert not any(shown[task] for task in range(40))
    assert all(shown[task] for task in range(101, 120))
