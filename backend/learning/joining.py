"""Paths cut where they jump, and the pieces joined anew, all at once.

Paths are found one after the other, each the best that is left; and the best likes to go from one object over to another, if
only the two together last longest. Pieces are joined as Huang, Wu and Nevatia do (Robust object tracking by hierarchical
association of detection responses, 2008): by an assignment of ends to starts that is worth most.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.learning.graph import Came, Graph, Node, Path, arrive


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
            _, way = _ways(graph, path[-1], piece[:1]).get(piece[0], (0.0, None))
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
    starts = {piece[0]: number for number, piece in enumerate(pieces)}
    worth = np.zeros((len(pieces), len(pieces)))
    for number, piece in enumerate(pieces):
        for start, (gain, _) in _ways(graph, piece[-1], starts).items():
            worth[number, starts[start]] = max(gain + graph.rules.alone, 0.0)
    heads, tails = linear_sum_assignment(worth, maximize=True)
    return {int(head): int(tail) for head, tail in zip(heads, tails, strict=True) if worth[head, tail] > 0}


def _ways(graph: Graph, end: Node, starts: Iterable[Node]) -> dict[Node, tuple[float, Path]]:
    """For each of the starts within reach, what the best way to it from the end of a piece earns, and the free candidates on
    that way."""
    first, last = end[0], min(end[0] + graph.rules.window, len(graph.columns) - 1)
    worth = {first: np.where(np.arange(len(graph.scores[first])) == end[1], 0.0, -np.inf)}
    origin, found = dict[int, Came](), dict[Node, tuple[float, Path]]()
    near = [start for start in starts if first < start[0] <= last]
    for t in range(first + 1, max((start[0] for start in near), default=first) + 1):
        links = [(s, costs) for s, costs in graph.links[t] if s >= first]
        best, origin[t] = arrive(links, worth, len(graph.scores[t]), -np.inf)
        for start in near:
            if start[0] == t and best[start[1]] > -np.inf:
                found[start] = float(best[start[1]]), _between(origin, end, start)
        worth[t] = best + graph.gains(t, max(graph.covered[t] - 1, 0))
    return found


def _between(origin: Mapping[int, Came], end: Node, start: Node) -> Path:
    """The candidates on the way that leads from the one to the other."""
    way, here = Path(), start
    while (here := (int(origin[here[0]][here[1]][0]), int(origin[here[0]][here[1]][1]))) != end:
        way.append(here)
    return way[::-1]
