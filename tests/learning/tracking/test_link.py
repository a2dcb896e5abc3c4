import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.detection.count_prior import odds_of_counts
from backend.learning.tracking.graph import Column, Rules
from backend.learning.tracking.link import link, moves_smoothly

RULES = Rules()
UNKNOWN = [0.0]


def _box(x: float, y: float = 50.0, side: float = 20.0) -> list[float]:
    return [x, y, x + side, y + side]


def _column(order: float, *found: tuple[float, float], certain: bool = False) -> Column:
    """Candidates as (x, score), 20 pixels wide."""
    boxes = np.array([_box(x) for x, _ in found]).reshape(-1, 4)
    return Column(order, boxes, np.array([score for _, score in found]), certain)


def _xs(columns: list[Column], odds: list[float] = UNKNOWN, rules: Rules = RULES) -> list[list[float]]:
    return [
        sorted(round(float(x), 1) for x in shown.boxes[:, 0]) for shown in link(columns, [odds] * len(columns), rules)
    ]


def test_nothing() -> None:
    assert link([], [], RULES) == []
    assert _xs([_column(0), _column(1)]) == [[], []]


def test_a_weak_candidate_between_strong_ones_is_kept() -> None:
    assert _xs([_column(0, (10, 0.9)), _column(1, (12, 0.1)), _column(2, (14, 0.9))]) == [[10], [12], [14]]


def test_a_flicker_is_dropped() -> None:
    columns = [_column(i) for i in range(4)] + [_column(4, (10, 0.6))] + [_column(i) for i in range(5, 9)]
    assert all(xs == [] for xs in _xs(columns))


def test_a_gap_is_filled() -> None:
    columns = [_column(i, (10 + 2 * i, 0.9)) if i not in (3, 4) else _column(i) for i in range(8)]
    xs = _xs(columns)
    assert xs[3:5] == [[16], [18]]
    assert link(columns, [UNKNOWN] * 8, RULES)[3].chosen.tolist() == [-1]


def test_nothing_is_filled_through_a_frame_that_a_person_left_empty() -> None:
    columns = [_column(i, (10 + 2 * i, 0.9)) if i != 4 else _column(i, certain=True) for i in range(9)]
    assert _xs(columns)[4] == []


def test_what_a_person_drew_stays() -> None:
    columns = [_column(0), _column(1, (10, 1.0), (200, 1.0), certain=True), _column(2)]
    assert _xs(columns)[1] == [10, 200]


def test_two_objects_that_pass_each_other() -> None:
    columns = [_column(i, (10 + 12 * i, 0.8), (130 - 12 * i, 0.8)) for i in range(11)]
    assert all(len(xs) == 2 or i == 5 for i, xs in enumerate(_xs(columns)))


def test_an_object_that_leaves_first_keeps_its_track_beside_one_that_stays() -> None:
    """The best single path has the early frames of the one and the late frames of the other."""
    weak = {5: (0.05, 0.9), 6: (0.05, 0.9), 7: (0.9, 0.05), 8: (0.9, 0.05)}
    columns = []
    for i in range(16):
        first, second = weak.get(i, (0.9, 0.9))
        there = [(10 + 2 * i, first)] if i < 10 else []
        columns.append(_column(i, *there, *([(40 + 2 * i, second)] if i > 3 else [])))
    xs = _xs(columns)
    assert xs[4:10] == [[10 + 2 * i, 40 + 2 * i] for i in range(4, 10)]
    assert xs[10:] == [[40 + 2 * i] for i in range(10, 16)]


def test_doubles_of_one_object_are_shown_once() -> None:
    columns = [_column(i, (10 + i, 0.9), (12 + i, 0.8)) for i in range(6)]
    assert all(len(xs) == 1 for xs in _xs(columns, odds_of_counts([1, 1, 1])))


def test_counts_speak_for_weak_candidates_and_against_more() -> None:
    alone = Rules(reach=0, ends=0.0)
    columns = [_column(0, (10, 0.12), (100, 0.10))]
    assert _xs(columns, odds_of_counts([1, 1, 1, 1, 1]), alone) == [[10]]
    assert _xs(columns, odds_of_counts([0, 0, 0, 0, 0]), alone) == [[]]
    assert _xs(columns, odds_of_counts([2, 2, 2, 2, 2]), alone) == [[10, 100]]


def test_smooth_and_unordered_motion() -> None:
    rng = np.random.default_rng(0)
    assert moves_smoothly([_column(i, (10 + 3 * i, 0.9)) for i in range(10)])
    assert not moves_smoothly([_column(i, (float(x), 0.9)) for i, x in enumerate(rng.uniform(0, 2000, 20))])
    assert not moves_smoothly([_column(0, (1, 0.9))])


candidates = st.lists(st.tuples(st.floats(0, 300), st.floats(0.03, 1)), max_size=5)


@given(st.lists(candidates, max_size=12))
def test_what_is_shown_is_near_what_was_seen(frames: list[list[tuple[float, float]]]) -> None:
    columns = [_column(i, *found) for i, found in enumerate(frames)]
    for column, shown in zip(columns, link(columns, [UNKNOWN] * len(columns), RULES), strict=True):
        real = shown.chosen[shown.chosen >= 0]
        assert len(set(real.tolist())) == len(real)
        off = shown.boxes[shown.chosen >= 0] - column.boxes[real]
        assert (np.abs(off) < 20).all()
        assert ((shown.scores >= 0) & (shown.scores <= 1)).all()


def test_frames_far_apart_in_time_are_not_linked() -> None:
    orders = [0, 1, 2, 3, 100, 101, 102, 103]
    columns = [_column(order, (10, 0.9)) if i not in (3, 4) else _column(order) for i, order in enumerate(orders)]
    xs = _xs(columns)
    assert xs[2] == xs[5] == [10]
    assert xs[3] == xs[4] == []
