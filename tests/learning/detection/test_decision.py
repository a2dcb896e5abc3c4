import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from backend.learning.detection.candidates import Candidates, no_candidates
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.decision import FrameCandidates, decide, predictions
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Frame, Instance, LabeledFrame

BLANK = np.zeros((4, 4, 3), np.uint8)


def _labeled(order: float | None, *xs: float) -> LabeledFrame:
    instances = tuple(Instance("a", (x, 10.0, x + 20.0, 30.0)) for x in xs)
    return LabeledFrame(Frame(100, BLANK, 400, 100, order), instances)


def _config(*labeled: LabeledFrame) -> DetectionConfig:
    return plan(labeled, ("a", "b"), DetectionRecipe())


def _seen(task: int, order: float | None, *found: tuple[float, float]) -> FrameCandidates:
    boxes = np.array([[x, 10, x + 20, 30] for x, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32)
    return FrameCandidates(task, order, (400, 100), Candidates(boxes, scores, np.zeros(len(found), np.int64)))


def test_nothing_seen_is_right_where_nothing_was_labelled() -> None:
    bare, full = [_labeled(None)] * 9, [_labeled(None, 30)] * 9
    nothing = [FrameCandidates(1, None, (4, 4), no_candidates())]
    [right], [missed] = (predictions(decide(nothing, [], _config(*one)), ("a", "b")) for one in (bare, full))
    assert right.instances == missed.instances == ()
    assert right.score == 1.0
    assert missed.score == pytest.approx(0.05 / (0.05 + 0.1 * 0.9))


def test_a_frame_in_which_the_object_was_missed_is_no_sure_one() -> None:
    labeled = [_labeled(20.0 + i, 30) for i in range(5)]
    frames = [_seen(1, 1.0, (10, 0.9)), _seen(2, 2.0, (10, 0.5)), _seen(3, 3.0)]
    sure, weak, missed = predictions(decide(frames, labeled, _config(*labeled)), ("a", "b"))
    assert missed.instances == ()
    assert missed.score < weak.score < sure.score


def test_a_frame_that_shows_less_than_its_neighbours_is_no_sure_one_in_a_film_alone() -> None:
    labeled = [_labeled(20.0 + i) if i % 2 else _labeled(20.0 + i, 30, 60) for i in range(8)]
    frames = [_seen(i, float(i), (10, 0.9), *([(300, 0.9)] if i > 9 else [])) for i in range(20)]
    config = _config(*labeled)
    scores = [one.score for one in predictions(decide(frames, labeled, config), config.labels)]
    assert scores[9] == pytest.approx(scores[8]) == pytest.approx(scores[7])
    assert scores[9] < 0.6 * scores[5]
    alone = [
        one.score
        for one in predictions(
            decide([dataclasses.replace(one, order=None) for one in frames], [], config), config.labels
        )
    ]
    assert alone[9] == pytest.approx(alone[5])


def test_neighbours_decide_where_there_is_order_and_only_there() -> None:
    labeled = [_labeled(20.0, 30), _labeled(21.0), _labeled(22.0)]
    frames = [_seen(i, float(i), (10 + i, 0.9 if i != 4 else 0.1)) for i in range(9)]
    config = _config(*labeled)
    assert all(p.instances for p in predictions(decide(frames, labeled, config), config.labels))
    unordered = [dataclasses.replace(one, order=None) for one in frames]
    assert not predictions(decide(unordered, labeled, config), config.labels)[4].instances


def test_the_frames_order_is_kept() -> None:
    frames = [_seen(i, float(-i), (10 + i, 0.9)) for i in range(8)]
    shown = predictions(decide(frames, [_labeled(-3.5, 13)], _config(_labeled(-3.5, 13))), ("a", "b"))
    assert [p.task for p in shown] == list(range(8))
    assert [round(p.instances[0].box[0]) for p in shown] == [10 + i for i in range(8)]


def test_doubt_lowers_the_score() -> None:
    config = _config(_labeled(None, 30), _labeled(None, 50), _labeled(None, 70))
    sure, weak, torn = (
        predictions(decide([_seen(1, None, *found)], [], config), ("a", "b"))[0].score
        for found in ([(10, 0.95)], [(10, 0.3)], [(10, 0.95), (200, 0.6)])
    )
    assert 0 <= torn < sure
    assert weak < sure <= 1


@pytest.mark.parametrize("order", [None, 3.0])
def test_a_lone_frame_is_judged_alone(order: float | None) -> None:
    labeled = [_labeled(float(i * 20), 30) for i in range(5)]
    [prediction] = predictions(decide([_seen(1, order, (300, 0.5))], labeled, _config(*labeled)), ("a", "b"))
    assert len(prediction.instances) == 1


def test_what_stands_there_weakly_is_judged_by_the_labels_next_in_time() -> None:
    labeled = [_labeled(20.5), *(_labeled(100.5 + i, 200) for i in range(20))]
    frames = [_seen(i, float(i), (200, 0.18)) for i in (*range(40), *range(90, 130))]
    shown = {p.task: len(p.instances) for p in predictions(decide(frames, labeled, _config(*labeled)), ("a", "b"))}
    assert not any(shown[task] for task in range(40))
    assert all(shown[task] for task in range(101, 120))


def _resized(seen: FrameCandidates, factor: float) -> FrameCandidates:
    boxes = (seen.candidates.boxes * factor).astype(np.float32)
    size = round(seen.size[0] * factor), round(seen.size[1] * factor)
    return dataclasses.replace(seen, size=size, candidates=dataclasses.replace(seen.candidates, boxes=boxes))


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("changed", [lambda i: i % 2 == 1, lambda i: i >= 6, lambda i: i == 4])
def test_frames_of_two_sizes_are_linked_as_if_they_had_one(changed: Callable[[int], bool], factor: float) -> None:
    labeled = [_labeled(20.0, 30), _labeled(21.0, 31), _labeled(22.0, 32)]
    frames = [_seen(i, float(i), (10 + i, 0.9 if i != 4 else 0.1), (300, 0.15)) for i in range(12)]
    mixed = [_resized(one, factor) if changed(i) else one for i, one in enumerate(frames)]
    config = _config(*labeled)
    same = predictions(decide(frames, labeled, config), config.labels)
    found = predictions(decide(mixed, labeled, config), config.labels)
    assert all(len(one.instances) == 1 for one in same)
    for i, (one, other) in enumerate(zip(same, found, strict=True)):
        by = factor if changed(i) else 1.0
        assert [x.score for x in other.instances] == pytest.approx([x.score for x in one.instances])
        assert [v for x in other.instances for v in x.box] == pytest.approx(
            [v * by for x in one.instances for v in x.box], abs=0.01
        )


def test_a_labelled_frame_of_another_size_anchors_what_is_in_the_same_place() -> None:
    frames = [_seen(i, float(i), (30, 0.18)) for i in range(12)]
    large = [_labeled(float(i) + 0.5, 30) for i in (0, 3, 6, 9, 10)]
    small = [
        LabeledFrame(
            Frame(100, BLANK, 200, 50, one.frame.order),
            tuple(dataclasses.replace(i, box=tuple(v / 2 for v in i.box)) for i in one.instances),  # type: ignore[arg-type]
        )
        for one in large
    ]
    config = _config(*large)
    shown = [[p.instances for p in predictions(decide(frames, by, config), ("a", "b"))] for by in (large, small)]
    assert any(shown[0])
    assert shown[0] == shown[1]


def test_instances_of_a_film_keep_their_track_and_drawn_ones_their_number() -> None:
    frames = [_seen(i, float(i), (10 + i, 0.9), (200, 0.9)) for i in range(8)]
    drawn = dataclasses.replace(_labeled(3.5, 13), complete=False)
    drawn = dataclasses.replace(drawn, instances=tuple(dataclasses.replace(i, track=5) for i in drawn.instances))
    config = _config(_labeled(3.5, 13, 200))
    shown = predictions(decide(frames, [drawn], config), config.labels)
    assert [sorted((round(i.box[0]), i.track) for i in one.instances) for one in shown] == [
        [(10 + n, 5), (200, 6)] for n in range(8)
    ]
    alone = predictions(decide([dataclasses.replace(one, order=None) for one in frames], [], config), config.labels)
    assert {i.track for one in alone for i in one.instances} == {None}
