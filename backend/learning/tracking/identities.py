"""Identities that a person gave: a track goes through all keyframes of its object, and through those of no other one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from backend.learning.tracking.detections import NO_TRACK, Flags, Floats, Ints
from backend.learning.tracking.graph import Edges, Graph, Node, Path, path_between, viterbi_step
from backend.learning.tracking.motion import motion_costs, typical_interval


def fix_identities(graph: Graph) -> None:
    """Tie the keyframes of each object together, by the best path from one to the next."""
    free = [np.ones(len(frame), bool) for frame in graph.frames]
    for start, end in _intervals(graph):
        between = _best_between(graph, start, end, free)
        for t, i in between:
            graph.gains[t][i], graph.protected[t][i] = graph.rules.anchor_gain, True
            duplicates = graph.duplicates(t, i)
            graph.free[t] &= ~duplicates
            free[t] &= ~duplicates
            free[t][i] = False
        for before, after in pairwise([start, *between, end]):
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


def _best_between(graph: Graph, start: Node, end: Node, free: Sequence[Flags]) -> Path:
    """The best path from one node to another, without these two: along the edges, or else over any gap at any speed."""
    usable = {t: free[t] & (graph.frames[t].tracks == NO_TRACK) for t in range(start[0] + 1, end[0])}
    near = _search(graph, start, end, usable, {t: graph.edges[t] for t in range(start[0] + 1, end[0] + 1)})
    return (
        near if near is not None else _search(graph, start, end, usable, _wide_edges(graph, start, end, usable)) or []
    )


def _search(
    graph: Graph, start: Node, end: Node, usable: Mapping[int, Flags], edges: Mapping[int, Edges]
) -> Path | None:
    scores: dict[int, Floats] = {start[0]: np.full(len(graph.frames[start[0]]), -np.inf)}
    scores[start[0]][start[1]] = 0.0
    previous = dict[int, Ints]()
    for t in range(start[0] + 1, end[0] + 1):
        into = [(s, costs) for s, costs in edges[t] if s >= start[0]]
        best, previous[t] = viterbi_step(into, scores, len(graph.frames[t]), -np.inf)
        scores[t] = np.where(usable[t], best + graph.gain(t, 0), -np.inf) if t < end[0] else best
    if scores[end[0]][end[1]] == -np.inf:
        return None
    return path_between(previous, start, end)


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
