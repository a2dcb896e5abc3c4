"""Viterbi search for the best path between two keyframes of one object: that it is there is certain, where it is not."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from backend.learning.tracking.detections import NO_TRACK, Flags, Floats, Ints
from backend.learning.tracking.graph import DetectionGraph, Edges, Node, Path, path_between, viterbi_step
from backend.learning.tracking.motion import motion_costs, typical_interval

Interval = tuple[Node, Node]
"""Two keyframes of one object that follow each other."""


class KeyframeSearch:
    """Finds paths through the detections of a graph that no other path has taken."""

    def __init__(self, graph: DetectionGraph) -> None:
        self._graph, self._rules = graph, replace(graph.rules, max_speed=np.inf)
        self._interval = typical_interval(graph.frames)
        self._gains = [graph.gain(t, 0) for t in range(len(graph.frames))]
        self._taken = [(frame.tracks != NO_TRACK).astype(np.int64) for frame in graph.frames]
        """By how many paths, as it is or as a duplicate."""

    def best(self, interval: Interval, *, max_gain: float) -> tuple[float, Path]:
        """Cost of the best path from the one node to the other, and its nodes without these two.

        Along the edges of the graph; where these do not lead there, over gaps of `keyframe_max_gap` and at any speed. No
        detection earns more than `max_gain`.
        """
        start, end = interval
        inside, reach = range(start[0] + 1, end[0] + 1), self._rules.keyframe_max_gap
        gains = {t: np.where(self._free(t), np.minimum(self._gains[t], max_gain), -np.inf) for t in inside[:-1]}
        near = {t: [edge for edge in self._graph.edges[t] if edge[0] >= start[0]] for t in inside}
        cost, path = self._best(interval, near, gains)
        if cost < np.inf:
            return cost, path
        wide = {t: self._edges(t, {start[0], *range(max(start[0], t - reach), t)}) for t in inside}
        return self._best(interval, wide, gains)

    def is_free(self, path: Path) -> bool:
        """Whether no other path has taken any of its nodes."""
        return not any(self._taken[t][i] for t, i in path)

    def take(self, path: Path, times: int = 1) -> None:
        """The nodes and their duplicates are gone."""
        for t, i in path:
            own = self._graph.duplicates(t, i)
            own[i] = True
            self._taken[t][own] += times

    def release(self, path: Path) -> None:
        """They may be had again."""
        self.take(path, -1)

    def _free(self, t: int) -> Flags:
        return np.asarray(self._taken[t] == 0)

    def _edges(self, t: int, sources: set[int]) -> Edges:
        """Into a frame from others before it, at any speed."""
        frames = self._graph.frames
        apart = {s: max((frames[t].order - frames[s].order) / self._interval, 1.0) for s in sources}
        return [(s, motion_costs(frames[s].boxes, frames[t].boxes, apart[s], self._rules)) for s in sorted(sources)]

    def _best(self, interval: Interval, edges: Mapping[int, Edges], gains: Mapping[int, Floats]) -> tuple[float, Path]:
        start, end = interval
        scores: dict[int, Floats] = {start[0]: np.full(len(self._gains[start[0]]), -np.inf)}
        scores[start[0]][start[1]] = 0.0
        previous = dict[int, Ints]()
        for t in range(start[0] + 1, end[0]):
            best, previous[t] = viterbi_step(edges[t], scores, len(gains[t]), -np.inf)
            scores[t] = best + gains[t]
        best, previous[end[0]] = viterbi_step(edges[end[0]], scores, len(self._gains[end[0]]), -np.inf)
        cost = -float(best[end[1]])
        return cost, path_between(previous, start, end) if cost < np.inf else []
