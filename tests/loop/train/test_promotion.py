from dataclasses import replace

import numpy as np
import pytest

from backend.loop.train.promotion import MOST_NAMED, QualityChange, conflicting_labels, decide, label_hash, split_seen
from backend.types import Frame, Instance, Keypoint, LabeledFrame, Quality


def quality(score: float | None, frames: int = 5) -> Quality:
    return Quality("F1 at IoU 0.5", frames, score)


def labeled(task: int, *instances: Instance) -> LabeledFrame:
    return LabeledFrame(Frame(task, np.zeros((4, 6, 3), np.uint8), 6, 4), instances)


CAT = Instance("cat", (1.0, 1.0, 3.0, 3.0))


@pytest.mark.parametrize("serving", [None, quality(None)])
def test_without_a_predecessor_it_serves(serving: Quality | None) -> None:
    assert decide(quality(0.1), serving, None, ()).promote
    assert decide(quality(None), serving, None, ()).promote


@pytest.mark.parametrize(("candidate", "promoted"), [(1.0, True), (0.9, True), (0.899, False), (None, False)])
def test_on_all_labels(candidate: float | None, promoted: bool) -> None:
    decision = decide(quality(candidate), quality(0.9), None, ())
    assert decision.promote is promoted
    assert "the serving version 0.900" in decision.reason


def test_a_poisoned_round_that_costs_what_was_learnt_before() -> None:
    """Ten wrong boxes are learnt at the cost of the five right ones: better on all labels, worse on the older ones."""
    older = QualityChange(quality(0.8, 5), quality(1.0, 5))
    decision = decide(quality(0.9, 15), quality(0.33, 15), older, (12, 14))
    assert not decision.promote
    assert decision.reason == (
        "0.800 F1 at IoU 0.5 on the 5 frames labelled before, that version 1.000. "
        "Look at tasks 12, 14: the labels there disagree most with the older ones"
    )


@pytest.mark.parametrize(("has", "had", "promoted"), [(0.96, 1.0, True), (0.94, 1.0, False), (1.0, 0.5, True)])
def test_on_older_labels_chance_is_allowed_for(has: float, had: float, promoted: bool) -> None:
    assert decide(quality(1.0), quality(0.9), QualityChange(quality(has), quality(had)), ()).promote is promoted


def test_older_labels_without_a_figure_say_nothing() -> None:
    assert decide(quality(1.0), quality(0.9), QualityChange(quality(None), quality(None)), ()).promote
    assert not decide(quality(1.0), quality(0.9), QualityChange(quality(None), quality(0.9)), ()).promote


def test_one_task_to_look_at() -> None:
    assert decide(quality(0.1), quality(0.9), None, [7]).reason.endswith(
        "Look at task 7: the labels there disagree most with the older ones"
    )


def test_strangers_are_the_worst_first() -> None:
    assert conflicting_labels({}) == []
    assert conflicting_labels({1: None, 2: 0.9, 3: 0.2, 4: 0.0, 5: 0.5}) == [4, 3]
    assert len(conflicting_labels(dict.fromkeys(range(20), 0.0))) == MOST_NAMED


@pytest.mark.parametrize(
    "changed",
    [
        labeled(1),
        labeled(1, replace(CAT, label="dog")),
        labeled(1, replace(CAT, box=(1.0, 1.0, 3.0, 3.5))),
        labeled(1, CAT, CAT),
        labeled(1, replace(CAT, mask=np.ones((4, 6), np.bool_))),
        labeled(1, replace(CAT, keypoints=(Keypoint("nose", 1, 1),))),
    ],
)
def test_a_label_hash_changes_with_what_is_labelled(changed: LabeledFrame) -> None:
    assert label_hash(changed) != label_hash(labeled(1, CAT))


def test_a_label_hash_does_not_change_with_order_ids_or_weight() -> None:
    dog = replace(CAT, label="dog")
    assert label_hash(labeled(1, CAT, dog)) == label_hash(labeled(2, replace(dog, region_id="x"), CAT))


@pytest.mark.parametrize("key", ["label_hashes", "digests"])
def test_a_label_that_was_mended_was_never_seen(key: str) -> None:
    before = [labeled(1, CAT), labeled(2, CAT)]
    metrics = {"tasks": [1, 2], key: {"1": label_hash(before[0]), "2": label_hash(before[1])}}
    now = [labeled(1, CAT), labeled(2), labeled(3, CAT)]
    assert split_seen(now, metrics) == ([0], [1, 2])
    assert split_seen(now, {"tasks": [1, 2]}) == ([0, 1], [2]), "a version of before hashes were kept"
    assert split_seen(now, {}) == ([], [0, 1, 2])
