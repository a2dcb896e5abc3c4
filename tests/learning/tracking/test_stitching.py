from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.tracking.detections import Detections
from backend.learning.tracking.graph import DetectionGraph, Path, build_graph
from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.stitching import stitch

SIDE = 20.0


def _graph(candidates: list[list[tuple[float, float]]]) -> DetectionGraph:
    """Of candidates as (x, score)."""
    frames = []
    for order, found in enumerate(candidates):
        boxes = np.array([[x, 0.0, x + SIDE, SIDE] for x, _ in found]).reshape(-1, 4)
        frames.append(Detections(float(order), boxes, np.array([score for _, score in found])))
    graph = build_graph(frames, [[0.0]] * len(frames), TrackerRules())
    graph.relax(0, len(frames))
    return graph


def _found(frames: list[list[tuple[float, float]]]) -> tuple[DetectionGraph, list[Path]]:
    """The graph, and the paths as they are found one after the other."""
    graph = _graph(frames)
    return graph, graph.best_paths()


def test_nothing() -> None:
    assert stitch(*_found([])) == []
    assert stitch(*_found([[], []])) == []


def test_a_path_without_a_doubtful_step_stays() -> None:
    graph, paths = _found([[(10.0 + 2 * i, 0.9)] for i in range(8)])
    assert stitch(graph, paths) == paths == [[(i, 0) for i in range(8)]]


def test_free_candidates_fill_a_joint_that_is_longer_than_a_jump() -> None:
    frames = [[(10.0 + 2 * i, 0.9 if not 4 <= i < 14 else 0.3)] for i in range(18)]
    graph = _graph(frames)
    for t, free in enumerate(graph.free):  # as if the best path had been another one
        free[:] = 4 <= t < 14
    whole = [(i, 0) for i in range(18)]
    assert stitch(graph, [whole[:4], whole[14:]]) == [whole]


def test_two_that_changed_places_are_put_right() -> None:
    graph, _ = _found([[(10.0 + i, 0.9), (60.0 + i, 0.9)] for i in range(8)])
    crossed = [[(t, int(t > 3)) for t in range(8)], [(t, int(t <= 3)) for t in range(8)]]
    assert sorted(stitch(graph, crossed)) == [[(t, i) for t in range(8)] for i in (0, 1)]


candidates = st.lists(st.tuples(st.floats(0, 300), st.floats(0.03, 1)), max_size=5)


@given(st.lists(candidates, max_size=14))
def test_nothing_is_lost_and_nothing_is_had_twice(frames: list[list[tuple[float, float]]]) -> None:
    graph, paths = _found(frames)
    joined = stitch(graph, paths)
    nodes = [node for path in joined for node in path]
    assert len(nodes) == len(set(nodes))
    assert set(nodes) >= {node for path in paths for node in path}
    for path in joined:
        assert all(before[0] < after[0] for before, after in pairwise(path))
        assert all(np.isfinite(graph.cost(before, after)) for before, after in pairwise(path))
