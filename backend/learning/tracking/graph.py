"""Multi-object tracking by detection: a graph of the detections of all frames, and its best path by Viterbi's algorithm.

Nodes are detections, edges lead to those of later frames. A path earns what its detections' scores say and pays for
starting, for motion that is unlike the group's, and for frames that it jumps over; so a flicker of one frame is not worth a
path, and a weak detection between two strong ones is. Frames that a person labelled are certain. Paths are found one after
the other, the best first, each taking its detections away (Pirsiavash, Ramanan, Fowlkes, Globally-optimal greedy algorithms
for tracking a variable number of objects, 2011).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.learning.tracking.detections import Detections, Flags, Floats, Ints
from backend.learning.tracking.motion import distances, motion_costs, typical_interval
from backend.learning.tracking.rules import TrackerRules

Node = tuple[int, int]
"""Index of a frame, and of one of its detections."""
Path = list[Node]
Prior = Sequence[Sequence[float]]
"""`prior[t][k]`: the log odds that frame `t` has more than `k` objects; the last holds for all more."""
Edges = list[tuple[int, Floats]]
"""Into one frame: an earlier frame's index, and the cost (n, m) of going from each detection there to each one here."""


@dataclass(slots=True, eq=False)
class DetectionGraph:
    """The detections with their edges, and the best path to each; `free` shrinks as paths are taken."""

    frames: Sequence[Detections]
    """In order of time."""
    prior: Prior
    rules: TrackerRules
    gains: list[Floats]
    """What each detection earns by its own score."""
    edges: list[Edges]
    free: list[Flags]
    protected: list[Flags]
    """Detections that are no duplicates of others: a person vouches for them."""
    passing: Ints
    """Paths that pass each frame."""
    path_scores: list[Floats]
    """Of the best path to each detection."""
    previous: list[Ints]
    """(n, 2) the node before each detection on that path; -1 for a start."""
    best_scores: Floats
    """Of each frame's best detection."""
    longest: int
    """Most frames that an edge spans."""

    def relax(self, first: int, last: int) -> None:
        """Bring the best paths up to date after a change in the frames first..last."""
        changed = last
        for t in range(first, len(self.frames)):
            if t > changed + self.longest:
                return
            gain = self.gain(t, self.passing[t])
            best, self.previous[t] = viterbi_step(self.edges[t], self.path_scores, len(gain), -self.rules.track_cost)
            scores = best + gain
            if not np.array_equal(scores, self.path_scores[t]):
                self.path_scores[t], changed = scores, max(t, changed)
                self.best_scores[t] = scores.max(initial=-np.inf)

    def gain(self, t: int, others: int) -> Floats:
        """What each detection of a frame earns for a path, where so many others pass; taken ones must not be had."""
        prior = 0.0
        if not self.frames[t].complete:
            prior = self.rules.prior_weight * self.prior[t][min(others, len(self.prior[t]) - 1)]
        return np.where(self.free[t], self.gains[t] + prior, -np.inf)

    def best_paths(self) -> list[Path]:
        """The best path, then the best of what it leaves, and so on, while they earn anything."""
        found = list[Path]()
        while True:
            path, score = self.best_path()
            if score <= 0 or not path:
                return found
            found.append(path)
            self.take(path)
            self.relax(path[0][0], path[-1][0])

    def best_path(self) -> tuple[Path, float]:
        """The path that earns most, and its score."""
        t = int(self.best_scores.argmax()) if len(self.best_scores) else -1
        if t < 0 or not len(self.path_scores[t]):
            return [], 0.0
        end, path = (t, int(self.path_scores[t].argmax())), []
        while end[0] >= 0:
            path.append(end)
            previous = self.previous[end[0]][end[1]]
            end = (int(previous[0]), int(previous[1]))
        return path[::-1], float(self.best_scores[t])

    def take(self, path: Path) -> None:
        """A path's detections are gone, and it passes its frames."""
        self.occupy(path)
        for t in range(path[0][0], path[-1][0] + 1):
            self.passing[t] += 1

    def occupy(self, nodes: Iterable[Node]) -> None:
        """These detections are gone, and so are their duplicates."""
        for t, i in nodes:
            self.free[t] &= ~self.duplicates(t, i)
            self.free[t][i] = False

    def duplicates(self, t: int, i: int) -> Flags:
        """(n,) detections of a frame that show the same object as one of them."""
        boxes = self.frames[t].boxes
        near: Flags = distances(boxes[[i]], boxes)[0] < self.rules.duplicate_distance
        return near & ~self.protected[t]

    def cost(self, before: Node, after: Node) -> float:
        """Of one step of a path."""
        return next(float(costs[before[1], after[1]]) for t, costs in self.edges[after[0]] if t == before[0])

    def fix(self, before: Node, after: Node) -> None:
        """Whoever passes one of two nodes passes the other one next, at no cost."""
        (s, i), (t, j) = before, after
        for _, costs in self.edges[t]:
            costs[:, j] = np.inf
        for later in self.edges[s + 1 : s + self.longest + 1]:
            for earlier, costs in later:
                if earlier == s:
                    costs[i] = np.inf
        if s not in (earlier for earlier, _ in self.edges[t]):
            self.edges[t].append((s, np.full((len(self.frames[s]), len(self.frames[t])), np.inf)))
            self.longest = max(self.longest, t - s)
        next(costs for earlier, costs in self.edges[t] if earlier == s)[i, j] = 0.0


def build_graph(frames: Sequence[Detections], prior: Prior, rules: TrackerRules) -> DetectionGraph:
    """The graph of detections in order of time; its best paths are not known before it is relaxed."""
    return DetectionGraph(
        frames=frames,
        prior=prior,
        rules=rules,
        gains=[_gains(frame, rules) for frame in frames],
        edges=build_edges(frames, rules),
        free=[np.ones(len(frame), bool) for frame in frames],
        protected=[frame.anchored.copy() for frame in frames],
        passing=np.zeros(len(frames), np.int64),
        path_scores=[np.zeros(0) for _ in frames],
        previous=[np.zeros((0, 2), np.int64) for _ in frames],
        best_scores=np.full(len(frames), -np.inf),
        longest=rules.max_gap,
    )


def viterbi_step(
    edges: Edges, scores: Sequence[Floats] | Mapping[int, Floats], count: int, start: float
) -> tuple[Floats, Ints]:
    """Score (n,) of the best path to each detection of a frame, without its own gain, and the node before it (n, 2); -1
    where the path starts there, which scores `start`."""
    best, previous = np.full(count, start), np.full((count, 2), -1)
    every = np.arange(count)
    for s, cost in edges:
        reached = np.flatnonzero(scores[s] > -np.inf)
        if not len(reached):
            continue
        total = scores[s][reached, None] - cost[reached]
        row = total.argmax(0)
        value = total[row, every]
        better = value > best
        best[better] = value[better]
        previous[better, 0], previous[better, 1] = s, reached[row[better]]
    return best, previous


def path_between(previous: Mapping[int, Ints], start: Node, end: Node) -> Path:
    """The nodes of the best path from one node to another, without these two."""
    path, node = Path(), end
    while (node := (int(previous[node[0]][node[1], 0]), int(previous[node[0]][node[1], 1]))) != start:
        path.append(node)
    return path[::-1]


def _gains(frame: Detections, rules: TrackerRules) -> Floats:
    p = np.clip(frame.scores, 1e-4, 1 - 1e-4)
    neutral = np.log(rules.score_threshold / (1 - rules.score_threshold))
    by_score = np.clip(np.log(p / (1 - p)) - neutral, -rules.max_gain, rules.max_gain)
    return np.where(frame.anchored, rules.anchor_gain, by_score)


def build_edges(frames: Sequence[Detections], rules: TrackerRules) -> list[Edges]:
    """Into each frame, from those before it as far as a track may jump."""
    interval, found = typical_interval(frames), list[Edges]()
    for t, frame in enumerate(frames):
        into: Edges = []
        for s in range(t - 1, max(t - 1 - rules.max_gap, -1), -1):
            apart = max((frame.order - frames[s].order) / interval, 1.0)
            if apart > rules.max_gap:
                break
            if len(frames[s]) and len(frame):
                into.append((s, motion_costs(frames[s].boxes, frame.boxes, apart, rules)))
            if frames[s].complete:
                break  # nothing passes through a frame in which a person saw it or did not
        found.append(into)
    return found
