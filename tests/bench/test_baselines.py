import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bench.baselines import interpolated, nearest
from backend.types import Instance, Keypoint
from tests.bench.made import box


@pytest.mark.parametrize("copy", [nearest, interpolated])
def test_without_labels_nothing_is_shown(copy: object) -> None:
    assert copy({}, 3) == []  # type: ignore[operator]


@pytest.mark.parametrize("copy", [nearest, interpolated])
@pytest.mark.parametrize("time", [0.0, 5.0, 90.0])
def test_one_labelled_frame_is_shown_everywhere(copy: object, time: float) -> None:
    assert copy({5: [box("a", 10, 10, region_id="1")]}, time) == [box("a", 10, 10)]  # type: ignore[operator]


def test_of_two_as_near_the_earlier_one_is_copied() -> None:
    labelled = {0: [box("a", 0, 0)], 4: [box("b", 0, 0)]}
    assert [nearest(labelled, time)[0].label for time in (1, 2, 3)] == ["a", "a", "b"]


def test_boxes_move_in_straight_lines_and_are_held_outside() -> None:
    labelled = {10: [box("a", 0, 0)], 20: [box("a", 40, 20, 40)]}
    at = [interpolated(labelled, time)[0].box for time in (0, 10, 15, 20, 99)]
    assert at == [(0, 0, 20, 20), (0, 0, 20, 20), (20, 10, 50, 40), (40, 20, 80, 60), (40, 20, 80, 60)]


def test_objects_without_an_id_go_on_in_the_nearest_of_their_label() -> None:
    labelled = {0: [box("a", 0, 0), box("b", 60, 0)], 2: [box("b", 50, 0), box("a", 10, 0)]}
    assert interpolated(labelled, 1) == [box("a", 5, 0), box("b", 55, 0)]


def test_objects_with_an_id_go_on_in_it_however_far() -> None:
    labelled = {
        0: [box("a", 0, 0, region_id="1"), box("a", 60, 0, region_id="2")],
        2: [box("a", 0, 0, region_id="2"), box("a", 60, 0, region_id="1")],
    }
    assert [one.box[0] for one in interpolated(labelled, 1)] == [30, 30]


def test_an_object_that_one_side_has_is_shown_to_half_way() -> None:
    labelled = {0: [box("a", 0, 0)], 4: list[Instance]()}
    assert [len(interpolated(labelled, time)) for time in (1, 2, 3)] == [1, 0, 0]


def test_points_move_and_those_of_one_side_stay_with_it() -> None:
    def posed(*points: Keypoint) -> list[Instance]:
        return [Instance("", (0, 0, 9, 9), keypoints=points)]

    labelled = {0: posed(Keypoint("a", 0, 0)), 4: posed(Keypoint("a", 8, 4), Keypoint("b", 1, 1))}
    assert interpolated(labelled, 1)[0].keypoints == (Keypoint("a", 2, 1),)
    assert interpolated(labelled, 3)[0].keypoints == (Keypoint("a", 6, 3), Keypoint("b", 1, 1))


TIMES = st.lists(st.integers(0, 50), min_size=1, max_size=6, unique=True)


@given(TIMES, st.integers(0, 50))
def test_an_object_on_a_straight_line_is_found_wherever_it_is_between_labels(times: list[int], time: int) -> None:
    labelled = {at: [box("a", at, 2 * at)] for at in times}
    place = min(max(time, min(times)), max(times))
    assert interpolated(labelled, time)[0].box[:2] == pytest.approx((place, 2 * place))
    assert nearest(labelled, time)[0].box[0] == min(times, key=lambda at: (abs(at - time), at))
