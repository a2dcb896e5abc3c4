"""The simulated person's rules, each by a case that can be counted by hand; see /work's acceptance runner."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.bench.annotator import actions, paired, submit
from backend.bench.scenario import Scenario
from backend.types import Head, Instance, Keypoint, Mask
from tests.bench.made import box, scenario


def cost(scenario: Scenario, shown: Sequence[Instance], truth: Sequence[Instance]) -> int:
    result = scenario.write(shown)
    submitted = submit(scenario, result, truth)
    again = submit(scenario, submitted, truth)
    assert actions(submitted, again) == 0, "what was mended needs mending"
    return actions(result, submitted)


@pytest.mark.parametrize(
    ("shown", "truth", "count"),
    [
        ([], [], 0),
        ([], [box("a", 10, 10), box("b", 50, 50)], 2),  # drawn
        ([box("a", 10, 10)], [], 1),  # deleted
        ([box("a", 10, 10)], [box("a", 10, 10)], 0),
        ([box("a", 10, 10)], [box("a", 16, 10)], 0),  # IoU 14 / 26 = 0.54
        ([box("a", 10, 10)], [box("a", 17, 10)], 1),  # IoU 13 / 27 = 0.48: moved
        ([box("a", 10, 10)], [box("b", 16, 10)], 1),  # relabelled
        ([box("a", 10, 10)], [box("b", 17, 10)], 2),  # moved and relabelled
        ([box("a", 10, 10)], [box("a", 29, 29)], 1),  # they share a pixel: moved
        ([box("a", 10, 10)], [box("a", 30, 10)], 2),  # they only touch: deleted and drawn
        ([box("a", 10, 10), box("a", 11, 10)], [box("a", 10, 10)], 1),  # a second one on the same object: deleted
        ([box("a", 10, 10), box("a", 50, 50)], [box("a", 11, 10), box("a", 51, 50), box("a", 80, 10)], 1),
    ],
)
def test_boxes(shown: list[Instance], truth: list[Instance], count: int) -> None:
    assert cost(scenario(), shown, truth) == count


def test_the_right_label_comes_before_the_better_place() -> None:
    # `b` lies exactly on the true `a`; the shown `a` is right as well, and so `b` is surplus: one action, not three.
    assert cost(scenario(), [box("b", 10, 10), box("a", 13, 10)], [box("a", 10, 10)]) == 1


def test_as_many_pairs_as_possible_come_before_better_ones() -> None:
    # Greedily the middle one would take the best pair (IoU 1) and leave both others without a partner.
    shown, truth = [box("a", 10, 10), box("a", 16, 10)], [box("a", 16, 10), box("a", 21, 10)]
    assert paired(shown, truth, 0.5, True) == [(0, 0), (1, 1)]
    assert cost(scenario(), shown, truth) == 0


def test_a_kept_box_stays_as_it_was_shown_and_a_moved_one_keeps_its_id() -> None:
    shown = scenario().write([box("a", 10, 10, region_id="kept"), box("a", 50, 50, region_id="moved")])
    submitted = submit(scenario(), shown, [box("a", 12, 10), box("a", 60, 60)])
    by_id = {item["id"]: item for item in submitted}
    assert by_id["kept"] == shown[0]
    assert by_id["moved"]["value"]["x"] == pytest.approx(60)  # type: ignore[index]


BOXES = st.lists(
    st.builds(box, st.sampled_from("ab"), st.integers(0, 60), st.integers(0, 60), st.integers(5, 39)), max_size=5
)


@settings(max_examples=50)
@given(BOXES, BOXES)
def test_mending_is_done_when_it_is_done(shown: list[Instance], truth: list[Instance]) -> None:
    found = cost(scenario(), shown, truth)
    assert found <= len(shown) + len(truth)
    assert cost(scenario(), truth, truth) == 0
    submitted = scenario().read(submit(scenario(), scenario().write(shown), truth))
    assert sorted(one.label for one in submitted) == sorted(one.label for one in truth)


def mask(columns: int) -> Mask:
    found = np.zeros((100, 100), np.bool_)
    found[20:40, :columns] = True
    return found


def painted(label: str, columns: int) -> Instance:
    return Instance(label, (0, 20, columns, 40), mask=mask(columns))


@pytest.mark.parametrize(
    ("shown", "truth", "count"),
    [
        ([], [painted("a", 50)], 1),
        ([painted("a", 50)], [], 1),
        ([painted("a", 40)], [painted("a", 50)], 0),  # J = 0.8
        ([painted("a", 39)], [painted("a", 50)], 1),  # J = 0.78: redrawn
        ([painted("b", 50)], [painted("a", 50)], 2),  # another label: deleted and drawn
        ([painted("a", 50), painted("b", 20)], [painted("a", 50), painted("b", 90)], 1),
    ],
)
def test_masks(shown: list[Instance], truth: list[Instance], count: int) -> None:
    assert cost(scenario(Head.SEGMENTATION), shown, truth) == count


def whole(label: str) -> Instance:
    return Instance(label, (0, 0, 100, 100))


@pytest.mark.parametrize(
    ("shown", "truth", "count"),
    [([], [], 0), ([], ["a"], 1), (["a"], [], 1), (["a"], ["a"], 0), (["b"], ["a"], 1)],
)
def test_classes(shown: list[str], truth: list[str], count: int) -> None:
    assert cost(scenario(Head.CLASSIFICATION), [whole(one) for one in shown], [whole(one) for one in truth]) == count


def posed(x: float, label: str = "", side: float = 60, **points: tuple[float, float]) -> Instance:
    """An object at x with points relative to it; 5 % of the diagonal of its box are 4.2 pixels."""
    keypoints = tuple(Keypoint(name, x + dx, 10 + dy) for name, (dx, dy) in points.items())
    return Instance(label, (x, 10, x + side, 10 + side), keypoints=keypoints)


@pytest.mark.parametrize(
    ("shown", "truth", "count"),
    [
        ([], [posed(10, a=(5, 5), b=(50, 50))], 2),
        ([posed(10, a=(5, 5))], [], 1),
        ([posed(10, a=(5, 5), b=(50, 50))], [posed(10, a=(9, 5), b=(50, 50))], 0),  # 4 pixels off
        ([posed(10, a=(5, 5), b=(50, 50))], [posed(10, a=(10, 5), b=(50, 50))], 1),  # 5 pixels off: moved
        ([posed(10, a=(5, 5), b=(50, 50))], [posed(10, a=(5, 5))], 1),  # the truth lacks one: deleted
        ([posed(10, a=(5, 5))], [posed(10, a=(5, 5), b=(50, 50))], 1),
    ],
)
def test_points_of_one_object(shown: list[Instance], truth: list[Instance], count: int) -> None:
    assert cost(scenario(Head.POSE), shown, truth) == count


@pytest.mark.parametrize(
    ("shown", "truth", "count"),
    [
        ([], [posed(5, "fly", a=(5, 5))], 2),  # the box and the point
        ([posed(5, "fly", a=(5, 5))], [], 2),
        ([posed(5, "fly", a=(5, 5))], [posed(5, "fly", a=(5, 5))], 0),
        ([posed(5, "fly", 30, a=(5, 5))], [posed(5, "fly", a=(5, 5))], 1),  # IoU 0.25: the box is resized
        ([posed(5, "fly", 55, a=(5, 5))], [posed(5, "fly", a=(5, 5), b=(40, 9))], 1),  # the box may stay
        ([posed(5, "fly")], [posed(5, "fly", a=(5, 5))], 3),  # nothing tells that they are one object
        (
            [posed(5, "fly", 30, a=(5, 5)), posed(65, "fly", 30, a=(5, 5))],
            [posed(65, "fly", 30, a=(5, 5)), posed(5, "fly", 30, a=(5, 20))],
            1,
        ),
    ],
)
def test_points_of_several_objects_in_boxes(shown: list[Instance], truth: list[Instance], count: int) -> None:
    assert cost(scenario(Head.POSE, ("fly",)), shown, truth) == count
