"""Paths cut where they jump, and the pieces joined anew, all at once.

Paths are found one after the other, each the best that is left; and the best likes to go from one object over to another, if
only the two together last longest. Pieces are joined as Huang, Wu and Nevatia do (Robust object tracking by hierarchical
association of detection responses, 2008): by an assignment of ends to starts that is worth most.
"""

from collections.abc import Mapping, Sequence, Set
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from backend.learning.tracking.graph import Came, Graph, Node, Path, arrive


def rejoined(graph: Graph, paths: Sequence[Path]) -> list[Path]:
    """The paths cut at their doubtful steps, and the pieces joined so that all together are worth most."""
    pieces = [piece for path in paths for piece in _cut(graph, path)]
    after = _assigned(graph, pieces)
    found = list[Path]()
    for number in sorted(set(range(len(pieces))) - set(after.values())):
        path = list(pieces[number])
        while number in after:
            number = after[number]
            piece = pieces[number]
            # Another one may have taken the way meanwhile.
            _, way = _ways(graph, path[-1], {piece[0]}).get(piece[0], (0.0, None))
            if way is None:
                found.append(path)
                path = []
            graph.occupy(way or ())
            path += [*(way or ()), *piece]
        found.append(path)
    return found


def _cut(graph: Graph, path: Path) -> list[Path]:
    """The pieces of a path between the steps that are doubtful."""
    pieces = [path[:1]]
    for before, after in pairwise(path):
        if after[0] - before[0] > 1 or graph.cost(before, after) > graph.rules.strained:
            pieces.append([])
        pieces[-1].append(after)
    return pieces


def _assigned(graph: Graph, pieces: Sequence[Path]) -> dict[int, int]:
    """{piece: the piece that follows it}"""
    starts, alone = {piece[0]: number for number, piece in enumerate(pieces)}, np.arange(len(pieces))
    worth = [
        (number, starts[start], gain + graph.rules.alone)
        for number, piece in enumerate(pieces)
        for start, (gain, _) in _ways(graph, piece[-1], starts.keys()).items()
        if gain + graph.rules.alone > 0
    ]
    if not worth:
        return {}
    ends, begins, gains = (np.array(column) for column in zip(*worth, strict=True))
    # Each piece may also stay without one that follows, which is worth nothing; 1 more for all, since 0 is no entry.
    ways = np.concatenate([ends, alone]), np.concatenate([begins, alone + len(pieces)])
    table = csr_array((np.concatenate([gains, np.zeros(len(alone))]) + 1, ways), shape=(len(pieces), 2 * len(pieces)))
    heads, tails = min_weight_full_bipartite_matching(table, maximize=True)
    return {int(head): int(tail) for head, tail in zip(heads, tails, strict=True) if tail < len(pieces)}


def _ways(graph: Graph, end: Node, starts: Set[Node]) -> dict[Node, tuple[float, Path]]:
    """For each of the starts within reach, what the best way to it from the end of a piece earns, and the free candidates on
    that way."""
    first, last = end[0], min(end[0] + graph.rules.window, len(graph.columns) - 1)
    worth = {first: np.where(np.arange(len(graph.scores[first])) == end[1], 0.0, -np.inf)}
    origin, found = dict[int, Came](), dict[Node, tuple[float, Path]]()
    for t in range(first + 1, last + 1):
        links = [(s, costs) for s, costs in graph.links[t] if s >= first]
        best, origin[t] = arrive(links, worth, len(graph.scores[t]), -np.inf)
        for index in np.flatnonzero(best > -np.inf):
            if (start := (t, int(index))) in starts:
                found[start] = float(best[index]), _between(origin, end, start)
        worth[t] = best + graph.gains(t, max(graph.covered[t] - 1, 0))
    return found


def _between(origin: Mapping[int, Came], end: Node, start: Node) -> Path:
    """The candidates on the way that leads from the one to the other."""
    way, here = Path(), start
    while (here := (int(origin[here[0]][here[1]][0]), int(origin[here[0]][here[1]][1]))) != end:
        way.append(here)
    return way[::-1]
