"""Agreement in time: candidates of neighbouring frames are linked into tracks, and tracks decide what is shown.

A pure function of boxes and scores. Tracks are the best paths through the frames (dynamic programming, the best first,
each taking its candidates away: Pirsiavash, Ramanan, Fowlkes 2011). A path earns what its candidates' scores say and
pays for starting, for motion that is unlike the group's, and for frames that it jumps over; so a flicker of one frame is not
worth a path, and a weak candidate between two strong ones is. Frames that a person labelled are certain. The best first
likes to go from one object over to another, if only the two together last longest: so paths are cut where they jump, and
the pieces are joined anew, all at once (Huang, Wu and Nevatia, Robust object tracking by hierarchical association of
detection responses, 2008). What is shown of a path is its smooth course.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from backend.learning.smoothing import Track, smooth

Array = NDArray[np.float64]
Came = NDArray[np.int64]
Node = tuple[int, int]
"""A frame, and one of its candidates."""
Path = list[Node]
Odds = Sequence[Sequence[float]]


JUMPED = 0.5
"""Score of a box that fills a jump, as a share of the weaker end's."""
DRAWN, SEEN, GUESSED = 100.0, 1.0, 0.01
"""How firmly a box is believed that a person drew, that a network saw (whoever accepted it), or that fills a jump."""
FEWEST_STEPS = 5
"""Frames with a candidate from which motion can be judged."""
SMOOTH_STEP = 4.0
"""Median distance between best candidates of neighbouring frames, in sides of the object, below which motion is smooth;
generous, since among several objects the best one changes."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is shown of one label in one frame."""

    boxes: Array
    scores: Array
    chosen: NDArray[np.int64]
    """(n,) which candidate each box is; -1 where the track jumped over the frame."""


@dataclass(slots=True, eq=False)
class _Graph:
    """The candidates with what each may follow, and the best way to each; `free` shrinks as paths are taken."""

    columns: Sequence[Column]
    gains: list[Array]
    links: list[list[tuple[int, Array]]]
    free: list[NDArray[np.bool_]]
    covered: NDArray[np.int64]
    worth: list[Array]
    origin: list[Came]
    top: Array


def link(columns: Sequence[Column], odds: Odds, rules: Rules) -> list[Shown]:
    """What is shown in each of these frames, which are in order of time.

    `odds[t][k]` are the log odds that frame `t` has more than `k` instances of this label; the last holds for all more.
    """
    graph = _graph(columns, rules)
    _settle(graph, odds, rules, 0, len(columns))
    paths: list[Path] = []
    while True:
        path, worth = _best(graph)
        if worth <= 0 or not path:
            return _shown(columns, _rejoined(graph, paths, odds, rules), _step(columns))
        paths.append(path)
        _take(graph, path)
        _settle(graph, odds, rules, path[0][0], path[-1][0])


def moves_smoothly(columns: Sequence[Column]) -> bool:
    """Whether the best candidates of neighbouring frames are near each other: else order says nothing of place."""
    best = [column.boxes[[column.scores.argmax()]] for column in columns if len(column.scores)]
    if len(best) < FEWEST_STEPS:
        return False
    steps = [_distance(now, after)[0, 0] for now, after in pairwise(best)]
    return float(np.median(steps)) < SMOOTH_STEP


def _distance(a: Array, b: Array) -> Array:
    """(n, m) distances of centres in units of the sides (root of the mean area)."""
    centres = (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:]) / 2
    sides = np.sqrt((_areas(a)[:, None] + _areas(b)[None]) / 2)
    return np.asarray(np.linalg.norm(centres, axis=2) / np.maximum(sides, 1e-6))


def _areas(boxes: Array) -> Array:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 1e-3, None).prod(1))


def _graph(columns: Sequence[Column], rules: Rules) -> _Graph:
    unit = _step(columns)
    zero = np.log(rules.threshold / (1 - rules.threshold))
    gains, links = [], []
    for t, column in enumerate(columns):
        p = np.clip(column.scores, 1e-4, 1 - 1e-4)
        earned = np.clip(np.log(p / (1 - p)) - zero, -rules.limit, rules.limit)
        gains.append(np.full(len(p), rules.anchor) if column.certain else earned)
        before = []
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
    return _Graph(
        columns=columns,
        gains=gains,
        links=links,
        free=free,
        covered=np.zeros(len(columns), np.int64),
        worth=[np.zeros(0) for _ in columns],
        origin=[np.zeros((0, 2), np.int64) for _ in columns],
        top=np.full(len(columns), -np.inf),
    )


def _step(columns: Sequence[Column]) -> float:
    """The usual time from frame to frame."""
    steps = np.diff([column.order for column in columns])
    return float(np.median(steps)) or 1.0 if len(steps) else 1.0


def _costs(before: Column, after: Column, frames: float, rules: Rules) -> Array:
    """(n, m) cost of going from each candidate before to each one `frames` later; infinite where too far."""
    off = _distance(before.boxes, after.boxes) / (rules.step * frames**0.75)
    ratio = np.abs(np.log(_areas(after.boxes))[None] - np.log(_areas(before.boxes))[:, None]) / 2
    cost = rules.motion * np.log1p(off**2) + rules.resize * ratio / frames**0.5 + rules.gap * (frames - 1)
    return np.where(off > rules.farthest, np.inf, cost)


def _settle(graph: _Graph, odds: Odds, rules: Rules, first: int, last: int) -> None:
    """Bring the worth of the best way to each candidate up to date after a change in the frames first..last."""
    changed = last
    for t in range(first, len(graph.columns)):
        if t > changed + rules.reach:
            return
        gain = np.where(graph.free[t], _gains(graph, odds, rules, t, graph.covered[t]), -np.inf)
        best, graph.origin[t] = _arrive(graph.links[t], graph.worth, len(gain), -rules.ends)
        worth = best + gain
        if not np.array_equal(worth, graph.worth[t]):
            graph.worth[t], changed = worth, max(t, changed)
            graph.top[t] = worth.max(initial=-np.inf)


def _gains(graph: _Graph, odds: Odds, rules: Rules, t: int, others: int) -> Array:
    """What each candidate of a frame earns for a path, where so many others pass."""
    prior = 0.0 if graph.columns[t].certain else rules.prior * odds[t][min(others, len(odds[t]) - 1)]
    return graph.gains[t] + prior


def _best(graph: _Graph) -> tuple[Path, float]:
    """The path that is worth most, as (frame, candidate), and its worth."""
    t = int(graph.top.argmax()) if len(graph.top) else -1
    if t < 0 or not len(graph.worth[t]):
        return [], 0.0
    end, path = (t, int(graph.worth[t].argmax())), []
    while end[0] >= 0:
        path.append(end)
        origin = graph.origin[end[0]][end[1]]
        end = (int(origin[0]), int(origin[1]))
    return path[::-1], float(graph.top[t])


def _arrive(
    links: Iterable[tuple[int, Array]], worth: Sequence[Array] | Mapping[int, Array], count: int, fresh: float
) -> tuple[Array, Came]:
    """Worth of the best way to each candidate of a frame, and its origin: (frame, candidate), -1 for a start."""
    best, came = np.full(count, fresh), np.full((count, 2), -1)
    every = np.arange(count)
    for s, cost in links:
        total = worth[s][:, None] - cost
        row = total.argmax(0)
        value = total[row, every]
        better = value > best
        best[better] = value[better]
        came[better, 0], came[better, 1] = s, row[better]
    return best, came


def _take(graph: _Graph, path: Path) -> None:
    """A path's candidates are gone, and so are those that show the same object a second time."""
    _occupy(graph, path)
    for t in range(path[0][0], path[-1][0] + 1):
        graph.covered[t] += 1


def _occupy(graph: _Graph, path: Path) -> None:
    for t, i in path:
        graph.free[t][i] = False
        if not graph.columns[t].certain:
            near = _distance(graph.columns[t].boxes[[i]], graph.columns[t].boxes)[0] < 0.25
            graph.free[t][near] = False


def _rejoined(graph: _Graph, paths: Sequence[Path], odds: Odds, rules: Rules) -> list[Path]:
    """The paths cut at their doubtful steps, and the pieces joined so that all together are worth most."""
    pieces = [piece for path in paths for piece in _cut(graph, path, rules)]
    starts = {piece[0]: number for number, piece in enumerate(pieces)}
    worth = np.zeros((len(pieces), len(pieces)))
    for number, piece in enumerate(pieces):
        for start, (gain, _) in _ways(graph, piece[-1], starts, odds, rules).items():
            worth[number, starts[start]] = max(gain + rules.alone, 0.0)
    heads, tails = linear_sum_assignment(worth, maximize=True)
    after = {int(h): int(t) for h, t in zip(heads, tails, strict=True) if worth[h, t] > 0}
    found = list[Path]()
    for number in sorted(set(range(len(pieces))) - set(after.values())):
        path, here = list(pieces[number]), number
        while here in after:
            here = after[here]
            # Another one may have taken the way meanwhile.
            _, way = _ways(graph, path[-1], (pieces[here][0],), odds, rules).get(pieces[here][0], (0.0, None))
            if way is None:
                found.append(path)
                path = []
            else:
                _occupy(graph, way)
                path += way
            path += pieces[here]
        found.append(path)
    return found


def _cut(graph: _Graph, path: Path, rules: Rules) -> list[Path]:
    """The pieces of a path between the steps that are doubtful."""
    pieces = [path[:1]]
    for before, after in pairwise(path):
        if after[0] - before[0] > 1 or _cost(graph, before, after) > rules.strained:
            pieces.append([])
        pieces[-1].append(after)
    return pieces


def _cost(graph: _Graph, before: Node, after: Node) -> float:
    return next(float(costs[before[1], after[1]]) for t, costs in graph.links[after[0]] if t == before[0])


def _ways(graph: _Graph, end: Node, starts: Iterable[Node], odds: Odds, rules: Rules) -> dict[Node, tuple[float, Path]]:
    """For each of the starts within reach, what the best way to it from the end of a piece earns, and the free candidates on
    that way."""
    first, last = end[0], min(end[0] + rules.window, len(graph.columns) - 1)
    worth = {first: np.where(np.arange(len(graph.gains[first])) == end[1], 0.0, -np.inf)}
    origin, found = dict[int, Came](), dict[Node, tuple[float, Path]]()
    near = [start for start in starts if first < start[0] <= last]
    for t in range(first + 1, max((start[0] for start in near), default=first) + 1):
        links = [(s, costs) for s, costs in graph.links[t] if s >= first]
        best, origin[t] = _arrive(links, worth, len(graph.gains[t]), -np.inf)
        for start in near:
            if start[0] == t and best[start[1]] > -np.inf:
                found[start] = float(best[start[1]]), _between(origin, end, start)
        worth[t] = best + np.where(graph.free[t], _gains(graph, odds, rules, t, max(graph.covered[t] - 1, 0)), -np.inf)
    return found


def _between(origin: Mapping[int, Came], end: Node, start: Node) -> Path:
    """The candidates on the way that leads from the one to the other."""
    way, here = Path(), start
    while (here := (int(origin[here[0]][here[1]][0]), int(origin[here[0]][here[1]][1]))) != end:
        way.append(here)
    return way[::-1]


def _shown(columns: Sequence[Column], paths: Sequence[Path], unit: float) -> list[Shown]:
    shown: list[list[tuple[Array, float, int]]] = [[] for _ in columns]
    courses = smooth([_track(columns, path, unit) for path in paths])
    for path, course in zip(paths, courses, strict=True):
        first, sure = path[0][0], _smoothed(np.array([columns[t].scores[i] for t, i in path]))
        for here, (t, i) in enumerate(path):
            shown[t].append((course[t - first], float(sure[here]), i))
            if here + 1 < len(path):
                score = JUMPED * float(min(sure[here], sure[here + 1]))
                for between in range(t + 1, path[here + 1][0]):
                    shown[between].append((course[between - first], score, -1))
    return [
        Shown(
            np.array([one[0] for one in column]).reshape(-1, 4),
            np.array([one[1] for one in column]),
            np.array([one[2] for one in column], np.int64),
        )
        for column in shown
    ]


def _track(columns: Sequence[Column], path: Path, unit: float) -> Track:
    """The path with all its frames; those that it jumps over lie on the line between."""
    first, last = path[0][0], path[-1][0]
    times = np.array([column.order for column in columns[first : last + 1]]) / unit
    at = [t - first for t, _ in path]
    own = np.array([columns[t].boxes[i] for t, i in path])
    boxes = np.stack([np.interp(times, times[at], own[:, side]) for side in range(4)], 1)
    weights = np.full(len(times), GUESSED)
    weights[at] = [_weight(columns[t], i) for t, i in path]
    return Track(times, boxes, weights)


def _weight(column: Column, index: int) -> float:
    return SEEN if column.drawn is None or not column.drawn[index] else DRAWN


def _smoothed(scores: Array) -> Array:
    """Each score pulled toward those of its neighbours on the path, as log odds."""
    p = np.clip(scores, 1e-3, 1 - 1e-3)
    odds = np.log(p / (1 - p))
    weights = np.array([1.0, 2.0, 4.0, 2.0, 1.0])
    whole = np.convolve(np.pad(np.ones(len(odds)), 2), weights, "valid")
    total = np.convolve(np.pad(odds, 2), weights, "valid") / whole
    return np.asarray(1 / (1 + np.exp(-np.maximum(total, odds))))
