import numpy as np
import pytest

from backend.learning.classification.committee import Group
from backend.learning.classification.features import BLOCKS
from backend.learning.classification.staying import NEVER, Staying, elect_staying, in_order, smoothed

CLASSES = (np.arange(60) // 15 % 2).astype(int)


def group(chosen: list[int], classes: np.ndarray = CLASSES, single: bool = True) -> tuple[Group, np.ndarray]:
    """Labelled frames of a clip first; and which frame of the clip each is."""
    along = np.array([*chosen, *(i for i in range(len(classes)) if i not in chosen)])
    blocks = {name: np.zeros((len(classes), 1)) for name in BLOCKS}
    return Group(blocks, along.astype(float), np.eye(2)[classes[chosen]], single), along


def blurred(classes: np.ndarray, seed: int = 0) -> np.ndarray:
    """What is seen: right more often than not."""
    sure = np.random.default_rng(seed).normal(0.15, 0.3, len(classes)).clip(-0.45, 0.45)
    return np.where(np.eye(2)[classes] > 0, 0.5 + sure[:, None], 0.5 - sure[:, None])


@pytest.mark.parametrize("single", [True, False])
def test_neighbours_correct_what_is_seen(single: bool) -> None:
    frames, along = group([2, 20, 33, 50, 12, 40], single=single)
    seen = blurred(CLASSES[along])
    stayings = elect_staying(frames, seen)
    assert sum(one.votes for one in stayings if one.rate) > 0.5
    right = smoothed(frames, seen, stayings).argmax(1) == CLASSES[along]
    assert right[6:].mean() > max((seen.argmax(1) == CLASSES[along])[6:].mean(), 0.9)


def test_classes_that_change_at_random_are_not_smoothed() -> None:
    classes = np.random.default_rng(1).integers(0, 2, 60)
    frames, along = group(list(range(0, 60, 4)), classes)
    seen = np.where(np.eye(2)[classes[along]] > 0, 0.9, 0.1)
    assert (smoothed(frames, seen, elect_staying(frames, seen)).argmax(1) == classes[along]).all()


@pytest.mark.parametrize("orders", [np.full(60, np.nan), np.zeros(60)])
def test_without_an_order_time_says_nothing(orders: np.ndarray) -> None:
    frames, along = group([0, 20])
    unordered = Group(frames.blocks, orders, frames.targets, True)
    seen = blurred(CLASSES[along])
    assert not in_order(unordered)
    assert elect_staying(unordered, seen) == (NEVER,)
    assert np.array_equal(smoothed(unordered, seen, (Staying(0.9, 0.5),)), seen)


def test_a_labelled_frame_that_comes_again_has_its_label() -> None:
    frames, _ = group([0, 20])
    again = Group(frames.blocks, np.append(frames.orders, 20.0)[[*range(2), *range(3, 61)]], frames.targets, True)
    seen = np.full((60, 2), 0.5)
    assert smoothed(again, seen, (Staying(0.9, 0.5),))[-1].argmax() == 1


def test_probabilities_stay_probabilities() -> None:
    frames, along = group([0, 20])
    chances = smoothed(frames, np.eye(2)[CLASSES[along]], (Staying(0.98, 1.0), NEVER))
    assert np.isfinite(chances).all()
    assert chances.sum(1) == pytest.approx(1)
