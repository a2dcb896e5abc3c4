"""Identities that a person gave: a track goes through all keyframes of its object, and through those of no other one."""

from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from backend.learning.tracking.detections import NO_TRACK
from backend.learning.tracking.graph import DetectionGraph, Node, Path
from backend.learning.tracking.keyframe_search import Interval, KeyframeSearch


def fix_identities(graph: DetectionGraph) -> None:
    """Tie the keyframes of each object together, by the best path from one to the next.

    First by motion alone, lest a path goes over to an object that is seen better: the cheapest path is taken first, since
    what moves evenly is sure. Then each is found anew with what the others leave, and misses as little as possible.
    """
    intervals = _intervals(graph)
    search = KeyframeSearch(graph)
    waiting = [(*search.best(interval, max_gain=0), interval) for interval in intervals]
    heapify(waiting)
    paths = dict[Interval, Path]()
    while waiting:
        _, path, interval = heappop(waiting)
        if search.is_free(path):
            search.take(path)
            paths[interval] = path
        else:
            heappush(waiting, (*search.best(interval, max_gain=0), interval))
    for interval in intervals:
        search.release(paths[interval])
        _, paths[interval] = search.best(interval, max_gain=graph.rules.max_gain)
        search.take(paths[interval])
    for (start, end), path in paths.items():
        _fix(graph, [start, *path, end])


def split_by_identity(graph: DetectionGraph, path: Path) -> list[Path]:
    """A path that goes from one object's keyframe to another one's, cut where that costs most."""
    known = [(n, identity) for n, node in enumerate(path) if (identity := identity_of(graph, node)) != NO_TRACK]
    cuts = [0]
    for (first, one), (last, other) in pairwise(known):
        if one != other:
            steps = range(first + 1, last + 1)
            cuts.append(max(steps, key=lambda n: graph.cost(path[n - 1], path[n])))
    return [path[start:end] for start, end in pairwise([*cuts, len(path)])]


def identity_of(graph: DetectionGraph, node: Node) -> int:
    """Which object a person said a detection shows."""
    return int(graph.frames[node[0]].tracks[node[1]])


def path_identity(graph: DetectionGraph, path: Path) -> int:
    """Which object a path shows that passes keyframes of one object at most."""
    return max((identity_of(graph, node) for node in path), default=NO_TRACK)


def _intervals(graph: DetectionGraph) -> list[Interval]:
    """Keyframes of one object that follow each other, where no frame in between is known to lack it."""
    last, found, seen_whole = dict[int, Node](), list[Interval](), -1
    for t, frame in enumerate(graph.frames):
        for i in np.flatnonzero(frame.tracks != NO_TRACK):
            identity = int(frame.tracks[i])
            if identity in last and last[identity][0] >= seen_whole:
                found.append((last[identity], (t, int(i))))
            last[identity] = (t, int(i))
        seen_whole = t if frame.complete else seen_whole
    return found


def _fix(graph: DetectionGraph, path: Path) -> None:
    """Whoever passes one node of a path passes all, and their duplicates are nobody's."""
    for t, i in path[1:-1]:
        graph.gains[t][i], graph.protected[t][i] = graph.rules.anchor_gain, True
        graph.free[t] &= ~graph.duplicates(t, i)
    for before, after in pairwise(path):
        graph.fix(before, after)
