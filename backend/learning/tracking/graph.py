"""The candidates of one label in all frames as a graph, and the best path through it.

A path earns what its candidates' scores say and pays for starting, for motion that is unlike the group's, and for frames
that it jumps over; so a flicker of one frame is not worth a path, and a weak candidate between two strong ones is. Frames
that a person labelled are certain.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Came = NDArray[np.int64]
Node = tuple[int, int]
"""A frame, and one of its candidates."""
Path = list[Node]
Odds = Sequence[Sequence[float]]
"""`odds[t][k]`: the log odds that frame `t` has more than `k` instances; the last holds for all more."""
Links = list[tuple[int, Array]]
"""Of one frame: a frame before it, and the cost of going from each candidate there to each one here."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a path earns and pays, in log odds unless said otherwise."""

    threshold: float = 0.2
    """Score that earns nothing; lower ones cost, higher ones earn."""
    limit: float = 4.0
    """Most that one candidate earns or costs: no score is certain."""
    anchor: float = 8.0
    """What a box earns that a person drew."""
    ends: float = 3.0
    """Cost of starting and ending a path together: what a flicker must overcome."""
    gap: float = 1.5
    """Cost of each frame that a path jumps over."""
    reach: int = 6
    """Farthest jump, frames; more is another object, or the same one without a trace."""
    step: float = 0.25
    """A usual step of a candidate from frame to frame, with its noise, in sides of the object."""
    motion: float = 1.0
    """Weight of the motion's cost, which grows with the logarithm: sudden moves are rare, not impossible."""
    resize: float = 3.0
    """Cost of a change of size by a factor e."""
    smooth: bool = True
    """Whether what is shown of a path is its smooth course, or its boxes as they are."""
    farthest: float = 8.0
    """Steps that are never linked, in usual steps a frame."""
    strained: float = 1.5
    """Cost of a step from which it is doubted, as each jump is: about half of the object's side."""
    window: int = 20
    """Frames over which pieces are joined."""
    alone: float = 6.0
    """Cost of leaving a piece alone that could be joined: most gaps are misses."""
    prior: float = 0.7
    """Weight of what the labelled frames say about the number of instances."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The candidates of one label in one frame."""

    order: float
    boxes: Array
    """(n, 4) corners in pixels."""
    scores: Array
    """(n,) in [0, 1]."""
    certain: bool = False
    """A person labelled this frame: these boxes and no others."""
    drawn: NDArray[np.bool_] | None = None
    """(n,) boxes that a person drew; None is none."""


@dataclass(slots=True, eq=False)
class Graph:
    """The candidates with what each may follow, and the best way to each; `free` shrinks as paths are taken."""

    columns: Sequence[Column]
    odds: Odds
    rules: Rules
    scores: list[Array]
    """What each candidate earns by its own score."""
    links: list[Links]
    free: list[NDArray[np.bool_]]
    covered: NDArray[np.int64]
    """Paths that pass each frame."""
    worth: list[Array]
    origin: list[Came]
    top: Array

    def settle(self, first: int, last: int) -> None:
        """Bring the worth of the best way to each candidate up to date after a change in the frames first..last."""
        changed = last
        for t in range(first, len(self.columns)):
            if t > changed + self.rules.reach:
                return
            gain = self.gains(t, self.covered[t])
            best, self.origin[t] = arrive(self.links[t], self.worth, len(gain), -self.rules.ends)
            worth = best + gain
            if not np.array_equal(worth, self.worth[t]):
                self.worth[t], changed = worth, max(t, changed)
                self.top[t] = worth.max(initial=-np.inf)

    def gains(self, t: int, others: int) -> Array:
        """What each candidate of a frame earns for a path, where so many others pass; taken ones must not be had."""
        odds, certain = self.odds[t], self.columns[t].certain
        prior = 0.0 if certain else self.rules.prior * odds[min(others, len(odds) - 1)]
        return np.where(self.free[t], self.scores[t] + prior, -np.inf)

    def paths(self) -> list[Path]:
        """The best path, then the best of what it leaves, and so on, while they are worth anything."""
        found = list[Path]()
        while True:
            path, worth = self.best()
            if worth <= 0 or not path:
                return found
            found.append(path)
            self.take(path)
            self.settle(path[0][0], path[-1][0])

    def best(self) -> tuple[Path, float]:
        """The path that is worth most, and its worth."""
        t = int(self.top.argmax()) if len(self.top) else -1
        if t < 0 or not len(self.worth[t]):
            return [], 0.0
        end, path = (t, int(self.worth[t].argmax())), []
        while end[0] >= 0:
            path.append(end)
            origin = self.origin[end[0]][end[1]]
            end = (int(origin[0]), int(origin[1]))
        return path[::-1], float(self.top[t])

    def take(self, path: Path) -> None:
        """A path's candidates are gone, and it passes its frames."""
        self.occupy(path)
        for t in range(path[0][0], path[-1][0] + 1):
            self.covered[t] += 1

    def occupy(self, nodes: Iterable[Node]) -> None:
        """These candidates are gone, and so are those that show the same object a second time."""
        for t, i in nodes:
            self.free[t][i] = False
            if not self.columns[t].certain:
                near = distance(self.columns[t].boxes[[i]], self.columns[t].boxes)[0] < 0.25
                self.free[t][near] = False

    def cost(self, before: Node, after: Node) -> float:
        """Of one step of a path."""
        return next(float(costs[before[1], after[1]]) for t, costs in self.links[after[0]] if t == before[0])


def graph_of(columns: Sequence[Column], odds: Odds, rules: Rules) -> Graph:
    """The graph of columns in order of time, with the best ways settled."""
    unit = usual_step(columns)
    zero = np.log(rules.threshold / (1 - rules.threshold))
    scores, links = list[Array](), list[Links]()
    for t, column in enumerate(columns):
        p = np.clip(column.scores, 1e-4, 1 - 1e-4)
        earned = np.clip(np.log(p / (1 - p)) - zero, -rules.limit, rules.limit)
        scores.append(np.full(len(p), rules.anchor) if column.certain else earned)
        before: Links = []
        for s in range(t - 1, max(t - 1 - rules.reach, -1), -1):
            apart = max((column.order - columns[s].order) / unit, 1.0)
            if apart > rules.reach:
                break
            if len(columns[s].boxes) and len(column.boxes):
                before.append((s, _costs(columns[s], column, apart, rules)))
            if columns[s].certain:
                break  # nothing passes through a frame in which a person saw it or did not
        links.append(before)
    free: list[NDArray[np.bool_]] = [np.ones(len(column.scores), bool) for column in columns]
    graph = Graph(
        columns=columns,
        odds=odds,
        rules=rules,
        scores=scores,
        links=links,
        free=free,
        covered=np.zeros(len(columns), np.int64),
        worth=[np.zeros(0) for _ in columns],
        origin=[np.zeros((0, 2), np.int64) for _ in columns],
        top=np.full(len(columns), -np.inf),
    )
    graph.settle(0, len(columns))
    return graph


def usual_step(columns: Sequence[Column]) -> float:
    """The usual time from frame to frame."""
    steps = np.diff([column.order for column in columns])
    return float(np.median(steps)) or 1.0 if len(steps) else 1.0


def _costs(before: Column, after: Column, frames: float, rules: Rules) -> Array:
    """(n, m) cost of going from each candidate before to each one `frames` later; infinite where too far."""
    off = distance(before.boxes, after.boxes) / (rules.step * frames**0.75)
    ratio = np.abs(np.log(_areas(after.boxes))[None] - np.log(_areas(before.boxes))[:, None]) / 2
    cost = rules.motion * np.log1p(off**2) + rules.resize * ratio / frames**0.5 + rules.gap * (frames - 1)
    return np.where(off > rules.farthest, np.inf, cost)


def distance(a: Array, b: Array) -> Array:
    """(n, m) distances of centres in units of the sides (root of the mean area)."""
    centres = (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:]) / 2
    sides = np.sqrt((_areas(a)[:, None] + _areas(b)[None]) / 2)
    return np.asarray(np.linalg.norm(centres, axis=2) / np.maximum(sides, 1e-6))


def _areas(boxes: Array) -> Array:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 1e-3, None).prod(1))


def arrive(links: Links, worth: Sequence[Array] | Mapping[int, Array], count: int, fresh: float) -> tuple[Array, Came]:
    """Worth of the best way to each candidate of a frame, and its origin: (frame, candidate), -1 for a start."""
    best, came = np.full(count, fresh), np.full((count, 2), -1)
    every = np.arange(count)
    for s, cost in links:
        reached = np.flatnonzero(worth[s] > -np.inf)
        if not len(reached):
            continue
        total = worth[s][reached, None] - cost[reached]
        row = total.argmax(0)
        value = total[row, every]
        better = value > best
        best[better] = value[better]
        came[better, 0], came[better, 1] = s, reached[row[better]]
    return best, came
