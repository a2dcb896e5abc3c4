import numpy as np
import pytest

from backend.learning.classification.averaging import Group, answers, elect
from backend.learning.classification.features import BLOCKS


def group(labels: int, rest: int, told_by: str, seed: int = 0) -> tuple[Group, np.ndarray]:
    """Frames whose class shows in one block, or in `time`; and their classes."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(labels + rest).astype(float)
    classes = (order // 10 % 2 if told_by == "time" else rng.integers(0, 2, labels + rest)).astype(int)
    classes[:2] = 0, 1
    blocks = {name: rng.standard_normal((labels + rest, 8)) for name in BLOCKS}
    if told_by in blocks:
        blocks[told_by][:, :4] += 3 * classes[:, None] - 1.5
    return Group(blocks, order, np.eye(2)[classes[:labels]], True), classes


@pytest.mark.parametrize("told_by", BLOCKS)
def test_the_block_that_tells_is_believed(told_by: str) -> None:
    frames, classes = group(16, 30, told_by)
    members = elect(frames)
    assert sum(m.votes for m in members) == pytest.approx(1)
    assert sum(m.votes for m in members if told_by in m.likeness.blocks) > 0.8
    assert (answers(frames, members).argmax(1) == classes)[16:].mean() > 0.85


def test_time_is_believed_where_classes_stay() -> None:
    frames, _ = group(16, 44, "time")
    members = elect(frames)
    assert sum(m.votes for m in members if m.likeness.time) > 0.7


@pytest.mark.xfail(strict=True, reason="known weakness: told by time alone, 0.64 of the frames are right")
def test_time_alone_tells_the_class_of_long_runs() -> None:
    frames, classes = group(16, 44, "time")
    assert (answers(frames, elect(frames)).argmax(1) == classes)[16:].mean() > 0.8


@pytest.mark.parametrize("orders", [np.full(20, np.nan), np.zeros(20)])
def test_no_time_without_an_order(orders: np.ndarray) -> None:
    frames, _ = group(10, 10, "whole")
    unordered = Group(frames.blocks, orders, frames.targets, True)
    assert not any(m.likeness.time for m in elect(unordered))


@pytest.mark.parametrize("targets", [np.ones((1, 1)), np.eye(2)[[0]], np.eye(2)[[0, 0]], np.eye(2)])
@pytest.mark.parametrize("single", [True, False])
def test_too_few_labels_to_compare(targets: np.ndarray, single: bool) -> None:
    frames, _ = group(len(targets), 4, "whole")
    small = Group(frames.blocks, frames.orders, targets, single)
    chances = answers(small, elect(small))
    assert np.isfinite(chances).all()
    assert (chances >= 0).all()
    assert (chances[0].argmax() == targets[0].argmax()) or len(targets) > 1
