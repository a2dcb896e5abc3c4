import numpy as np
import pytest

from backend.bench.baselines import interpolated
from backend.bench.methods import Copied, baselines
from backend.bench.replay import Replay, first_frames
from backend.bench.scenario import scenario_of
from backend.demo.data_set import DataSet
from backend.errors import DemoError
from backend.types import Head, Instance
from tests.bench.made import Scripted, box, frames_of

TRUTH = [[box("a", 10, 10), box("b", 60, 60)] for _ in range(5)]
SHOWN = {
    0: TRUTH[0],  # right
    1: [box("a", 20, 10), box("a", 60, 60)],  # one to move, one to relabel
    3: [box("a", 10, 10), box("a", 40, 10)],  # one to draw, one to delete
    4: [],  # two to draw
}


def scripted(scores: dict[int, float], by_score: bool = True) -> tuple[Replay, Scripted]:
    data_set = frames_of(*TRUTH)
    method = Scripted(scenario_of([data_set]), SHOWN, scores)
    return Replay(data_set, scenario_of([data_set]), [method], 0, by_score), method


def test_efficiency_is_what_it_is_by_hand() -> None:
    """10 labels. Frame 2 is drawn: 2 actions. Left: 0 + 2 + 2 + 2 = 6, so 1 - 8 / 10. Then frames 1 and 0 are mended."""
    replay, _ = scripted({1: 0.1, 0: 0.2, 3: 0.3, 4: 0.4})
    replay.begin(1)
    (first,) = replay.measured()
    assert (first.frames, first.actions, first.left, first.labels) == (1, 2, 6, 10)
    assert first.efficiency == pytest.approx(0.2)
    # 8 true boxes, 6 shown, of these right: 2 in frame 0, none in 1, 1 in 3.
    assert (first.measure, first.quality) == ("F1 at IoU 0.5", pytest.approx(2 * 3 / (8 + 6)))
    assert first.seconds == 1.5
    assert replay.go_on(2)
    (second,) = replay.measured()
    assert (second.round, second.frames, second.actions, second.left) == (1, 3, 4, 4)
    assert second.efficiency == pytest.approx(0.2)


def test_the_lowest_score_is_mended_first_and_a_frame_without_prediction_before_all() -> None:
    replay, method = scripted({1: 0.9, 3: 0.1, 4: 0.5})
    method._shown.pop(0)
    replay.begin(1)
    replay.measured()
    for expected in (0, 3, 4, 1):
        replay.go_on(1)
        assert list(method.submitted)[-1] == expected
    assert not replay.go_on(1)
    (end,) = replay.measured()
    assert (end.left, end.quality, end.frames) == (0, None, 5)


def test_any_order_follows_the_seed_and_not_the_score() -> None:
    orders = set()
    for seed in range(6):
        data_set = frames_of(*TRUTH)
        method = Scripted(scenario_of([data_set]), SHOWN, {1: 0.0, 3: 0.1, 4: 0.2, 0: 0.3})
        replay = Replay(data_set, scenario_of([data_set]), [method], seed, False)
        replay.begin(1)
        replay.measured()
        replay.go_on(4)
        orders.add(tuple(method.submitted))
    assert len(orders) > 1


def test_a_data_set_without_any_object_has_no_efficiency() -> None:
    data_set = frames_of((), (), ())
    replay = Replay(data_set, scenario_of([data_set]), [Scripted(scenario_of([data_set]), {}, {})], 0, True)
    replay.begin(1)
    (row,) = replay.measured()
    assert (row.actions, row.left, row.labels, row.efficiency) == (0, 0, 0, None)


@pytest.mark.parametrize("labels", [0, 5])
def test_an_impossible_number_of_labels_is_refused(labels: int) -> None:
    with pytest.raises(DemoError, match="of 5 frames"):
        scripted({})[0].begin(labels)


def test_interpolation_of_a_straight_line_costs_only_its_keyframes() -> None:
    data_set = frames_of(*[[box("a", 3 * n, 10)] for n in range(20)])
    scenario = scenario_of([data_set])
    replay = Replay(data_set, scenario, baselines(data_set, scenario), 0, True)
    replay.begin(4)
    line, nearest = replay.measured()
    # Keyframes 4, 8, 11, 15: between them exact. Outside they are held, and right up to 2 frames away: IoU 14 / 26.
    assert (line.method, line.actions, line.left) == ("interpolation", 4, 2 + 2)
    assert (nearest.method, nearest.left) == ("nearest frame", 2 + 2)


def classes(*labels: str) -> DataSet:
    whole = [[Instance(one, (0, 0, 100, 100))] for one in labels]
    return frames_of(*whole, head=Head.CLASSIFICATION, classes=("a", "b"))


def test_of_each_class_as_many_frames_are_labelled_first_by_lot() -> None:
    data_set = classes(*"a" * 20, *"b" * 3)
    chosen = {first_frames(data_set, 5, seed) for seed in range(5)}
    assert len(chosen) > 1
    for one in chosen:
        assert [place >= 20 for place in one] == [False] * 5 + [True] * 3
    assert first_frames(data_set, 5, 1) == first_frames(data_set, 5, 1)


def test_masks_and_classes_are_not_interpolated() -> None:
    data_set = classes("a", "b")
    assert [method.name for method in baselines(data_set, scenario_of([data_set]))] == ["nearest frame"]


def test_a_copy_is_of_the_truth_and_not_of_what_was_submitted() -> None:
    data_set = frames_of(*TRUTH)
    scenario = scenario_of([data_set])
    method = Copied("line", interpolated, data_set, scenario)
    method.submit(1, scenario.write([box("a", 14, 10)]))
    shown = method.shown()
    assert set(shown) == {0, 2, 3, 4}
    assert [one.label for one in scenario.read(shown[0].result)] == ["a", "b"]
    assert np.allclose(scenario.read(shown[0].result)[0].box, TRUTH[1][0].box)
