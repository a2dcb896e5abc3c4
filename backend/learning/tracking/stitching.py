"""Tracklet stitching: paths are cut where they jump, and the tracklets joined anew, all at once.

Paths are found one after the other, each the best that is left; and the best likes to go from one object over to another, if
only the two together last longest. Tracklets are joined as Huang, Wu and Nevatia do (Robust object tracking by hierarchical
association of detection responses, 2008): by an assignment of ends to starts that earns most.
"""

from collections.abc import Sequence, Set
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from backend.learning.tracking.detections import NO_TRACK, Ints
from backend.learning.tracking.graph import DetectionGraph, Node, Path, path_between, viterbi_step
from backend.learning.tracking.identities import path_identity, split_by_identity


def stitch(graph: DetectionGraph, paths: Sequence[Path]) -> list[Path]:
    """The paths cut at their doubtful steps, and the tracklets joined so that all together earn most."""
    tracklets = [
        tracklet for path in paths for part in split_by_identity(graph, path) for tracklet in _cut(graph, part)
    ]
    after = _assigned(graph, tracklets)
    found = list[Path]()
    for number in sorted(set(range(len(tracklets))) - set(after.values())):
        path = list(tracklets[number])
        while number in after:
            number = after[number]
            tracklet = tracklets[number]
            # Another one may have taken the way meanwhile.
            _, between = _joints(graph, path[-1], {tracklet[0]}).get(tracklet[0], (0.0, None))
            if between is None:
                found.append(path)
                path = []
            graph.occupy(between or ())
            path += [*(between or ()), *tracklet]
        found.append(path)
    return [part for path in found for part in split_by_identity(graph, path)]


def _cut(graph: DetectionGraph, path: Path) -> list[Path]:
    """The tracklets of a path between the steps that are doubtful."""
    tracklets = [path[:1]]
    for before, after in pairwise(path):
        cost, gap = graph.cost(before, after), after[0] - before[0] > 1
        if cost > (0 if gap else graph.rules.cut_cost):
            tracklets.append([])
        tracklets[-1].append(after)
    return tracklets


def _assigned(graph: DetectionGraph, tracklets: Sequence[Path]) -> dict[int, int]:
    """{tracklet: the tracklet that follows it}"""
    starts = {tracklet[0]: number for number, tracklet in enumerate(tracklets)}
    identities = [path_identity(graph, tracklet) for tracklet in tracklets]
    joints = [
        (number, starts[start], gain + graph.rules.stitch_gain)
        for number, tracklet in enumerate(tracklets)
        for start, (gain, _) in _joints(graph, tracklet[-1], starts.keys()).items()
        if gain + graph.rules.stitch_gain > 0 and len({identities[number], identities[starts[start]]} - {NO_TRACK}) < 2
    ]
    if not joints:
        return {}
    ends, begins, gains = (np.array(column) for column in zip(*joints, strict=True))
    # Each tracklet may also stay without one that follows, which earns nothing; 1 more for all, since 0 is no entry.
    alone = np.arange(len(tracklets))
    pairs = np.concatenate([ends, alone]), np.concatenate([begins, alone + len(tracklets)])
    shape = (len(tracklets), 2 * len(tracklets))
    table = csr_array((np.concatenate([gains, np.zeros(len(alone))]) + 1, pairs), shape=shape)
    heads, tails = min_weight_full_bipartite_matching(table, maximize=True)
    return {int(head): int(tail) for head, tail in zip(heads, tails, strict=True) if tail < len(tracklets)}


def _joints(graph: DetectionGraph, end: Node, starts: Set[Node]) -> dict[Node, tuple[float, Path]]:
    """For each of the starts within reach, what the best path to it from the end of a tracklet earns, and the free
    detections on that path."""
    first, last = end[0], min(end[0] + graph.rules.stitch_window, len(graph.frames) - 1)
    scores = {first: np.where(np.arange(len(graph.gains[first])) == end[1], 0.0, -np.inf)}
    previous, found = dict[int, Ints](), dict[Node, tuple[float, Path]]()
    for t in range(first + 1, last + 1):
        edges = [(s, costs) for s, costs in graph.edges[t] if s >= first]
        best, previous[t] = viterbi_step(edges, scores, len(graph.gains[t]), -np.inf)
        for index in np.flatnonzero(best > -np.inf):
            if (start := (t, int(index))) in starts:
                found[start] = float(best[index]), path_between(previous, end, start)
        scores[t] = best + graph.gain(t, max(graph.passing[t] - 1, 0))
    return found
