"""Identities that a person gave: a track goes through all keyframes of its object, and through those of no other one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from backend.learning.tracking.detections import NO_TRACK, Flags, Floats, Ints
from backend.learning.tracking.graph import Edges, Graph, Node, Path, path_between, viterbi_step
from backend.learning.tracking.motion import motion_costs, typical_interval


def fix_identities(graph: Graph) -> None:
    """Tie the keyframes of each object together, by the best path from one to the next.

    The cheapest path is fixed first, and takes its detections away from the others: what moves evenly and is seen well is
    sure, and what is hidden meanwhile gets what is left.
    """
    free = [np.ones(len(frame), bool) for frame in graph.frames]
    waiting = [(*_best_between(graph, start, end, free), start, end) for start, end in _intervals(graph)]
    heapify(waiting)
    while waiting:
        _, between, start, end = heappop(waiting)
        if all(free[t][i] for t, i in between):
            _fix(graph, [start, *between, end], free)
        else:
            heappush(waiting, (*_best_between(graph, start, end, free), start, end))


def _fix(graph: Graph, path: Path, free: Sequence[Flags]) -> None:
    """Whoever passes one node of a path passes all; its detections and their duplicates are no longer free."""
    for t, i in path[1:-1]:
        graph.gains[t][i], graph.protected[t][i] = graph.rules.anchor_gain, True
        duplicates = graph.duplicates(t, i)
        graph.free[t] &= ~duplicates
        free[t] &= ~duplicates
        free[t][i] = False
    for before, after in pairwise(path):
        graph.fix(before, after)


def split_by_identity(graph: Graph, path: Path) -> list[Path]:
    """A path that goes from one object's keyframe to another one's, cut where that costs most."""
    known = [(n, identity) for n, node in enumerate(path) if (identity := identity_of(graph, node)) != NO_TRACK]
    cuts = [0]
    for (first, one), (last, other) in pairwise(known):
        if one != other:
            steps = range(first + 1, last + 1)
            cuts.append(max(steps, key=lambda n: graph.cost(path[n - 1], path[n])))
    return [path[start:end] for start, end in pairwise([*cuts, len(path)])]


def identity_of(graph: Graph, node: Node) -> int:
    """Which object a person said a detection shows."""
    return int(graph.frames[node[0]].tracks[node[1]])


def path_identity(graph: Graph, path: Path) -> int:
    """Which object a path shows that passes keyframes of one object at most."""
    return max((identity_of(graph, node) for node in path), default=NO_TRACK)


def _intervals(graph: Graph) -> list[tuple[Node, Node]]:
    """Keyframes of one object that follow each other, where no frame in between is known to lack it."""
    last, found, seen_whole = dict[int, Node](), list[tuple[Node, Node]](), -1
    for t, frame in enumerate(graph.frames):
        for i in np.flatnonzero(frame.tracks != NO_TRACK):
            identity = int(frame.tracks[i])
            if identity in last and last[identity][0] >= seen_whole:
                found.append((last[identity], (t, int(i))))
            last[identity] = (t, int(i))
        seen_whole = t if frame.complete else seen_whole
    return found


def _best_between(graph: Graph, start: Node, end: Node, free: Sequence[Flags]) -> tuple[float, Path]:
    """Cost of the best path from one node to another, and its nodes without these two: along the edges, or else over any gap
    at any speed."""
    usable = {t: free[t] & (graph.frames[t].tracks == NO_TRACK) for t in range(start[0] + 1, end[0])}
    edges = {t: graph.edges[t] for t in range(start[0] + 1, end[0] + 1)}
    cost, path = _search(graph, start, end, usable, edges)
    return (cost, path) if cost < np.inf else _search(graph, start, end, usable, _wide_edges(graph, start, end, usable))


def _search(
    graph: Graph, start: Node, end: Node, usable: Mapping[int, Flags], edges: Mapping[int, Edges]
) -> tuple[float, Path]:
    """As `_best_between`; infinite where no path leads there.

    That the object is there is certain. So a detection that is surely an object earns nothing: it may be another one.
    """
    scores: dict[int, Floats] = {start[0]: np.full(len(graph.frames[start[0]]), -np.inf)}
    scores[start[0]][start[1]] = 0.0
    previous = dict[int, Ints]()
    for t in range(start[0] + 1, end[0] + 1):
        into = [(s, costs) for s, costs in edges[t] if s >= start[0]]
        best, previous[t] = viterbi_step(into, scores, len(graph.frames[t]), -np.inf)
        scores[t] = np.where(usable[t], best + np.minimum(graph.gain(t, 0), 0), -np.inf) if t < end[0] else best
    cost = -float(scores[end[0]][end[1]])
    return cost, path_between(previous, start, end) if cost < np.inf else []


def _wide_edges(graph: Graph, start: Node, end: Node, usable: dict[int, Flags]) -> dict[int, Edges]:
    """Edges between what is rather an object than not, over longer gaps than usual and at any speed."""
    rules, frames, found = replace(graph.rules, max_speed=np.inf), graph.frames, dict[int, Edges]()
    interval = typical_interval(frames)
    for t in range(start[0] + 1, end[0]):
        usable[t] = usable[t] & (graph.gain(t, 0) > 0)
    for t in range(start[0] + 1, end[0] + 1):
        sources = {start[0], *range(max(start[0], t - rules.keyframe_max_gap), t)}
        apart = {s: max((frames[t].order - frames[s].order) / interval, 1.0) for s in sources}
        found[t] = [(s, motion_costs(frames[s].boxes, frames[t].boxes, apart[s], rules)) for s in sorted(sources)]
    return found
