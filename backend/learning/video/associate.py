"""Boxes of single frames as tracks of a whole video. Pure.

What a person drew is a fact: a track passes through its keyframes, and lives exactly as long between the first and the
last of them as drawn. Between two keyframes it is the best path through the boxes that were seen (dynamic programming);
before the first and after the last it goes on as long as it is seen. Boxes that nobody's track claims become tracks of
their own, linked frame by frame (optimal assignment).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from backend.types import Box, Instance, Keyframe, Track

STEP = 0.25
"""A usual step of an object from one look to the next, in sides of the object."""
MISS = 3.0
"""Cost of each look at which a track is not seen: that of a step four times as long as usual. A wrong box, which costs
the way there and back, is not worth that; a fast object's box is."""
RESIZE = 3.0
"""Cost of a change of size by a factor e."""
REACH = 8
"""Looks that a track may be unseen before it has ended, outside what a person drew."""
SEARCHED = 25
"""Looks back from which a path between two keyframes may come; from the keyframe itself always."""
FARTHEST = 4.5
"""Cost of a step, beyond that of the looks in between, from which two boxes are two objects: about nine usual steps."""
SAME = 0.4
"""IoU with a drawn box of the same frame from which a box shows the same object."""
FEWEST = 2
"""Looks that make a track that nobody drew; fewer are a flicker."""
LIKELY = 0.5
"""Mean score from which a track that nobody drew is shown: as likely an object as not. What a person drew says already
how many objects there are."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen in one frame that was looked at."""

    frame: int
    """Number in the video, from 1."""
    instances: tuple[Instance, ...]
    certain: bool = False
    """A person drew everything in this frame: only the drawn tracks are seen in it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """One box of a path."""

    look: int
    """Index of the look."""
    box: Box
    score: float


@dataclass(slots=True, eq=False)
class _Path:
    """Boxes of one object, by look, and the person's track that it continues."""

    seen: list[_Seen]
    end: _Seen
    """Where it was seen last, by a person or by the network."""
    drawn: Track | None = None
    gone: bool = False
    """The person saw it leave: what is seen of it later is not shown, and is not another object either."""


def associate(looks: Sequence[Look], drawn: Sequence[Track]) -> list[Track]:
    """Tracks with a keyframe at each look at which they are seen, and at each of a person's keyframes.

    `looks` are in order of time, the frames of all drawn keyframes among them. The drawn tracks come first, in their
    order and with their region ids.
    """
    tracks: list[tuple[int, Track]] = []
    for label in dict.fromkeys([t.label for t in drawn] + [i.label for look in looks for i in look.instances]):
        own = [(n, track) for n, track in enumerate(drawn) if track.label == label]
        free = [[_Seen(t, i.box, i.score) for i in look.instances if i.label == label] for t, look in enumerate(looks)]
        paths = [_between(looks, free, track) for _, track in own]
        lone = [path for path in _linked(looks, free, paths) if _convinces(path, len(looks))]
        tracks += [(n, _track(looks, path, label)) for (n, _), path in zip(own, paths, strict=True)]
        tracks += [(len(drawn), _track(looks, path, label)) for path in lone]
    return [track for _, track in sorted(tracks, key=lambda one: one[0])]


def _between(looks: Sequence[Look], free: list[list[_Seen]], track: Track) -> _Path:
    """The boxes that belong between a drawn track's keyframes, taken out of `free`.

    Where the person ended a lifespan the object's boxes are taken too: it is not to come back as another one.
    """
    places = [_index(looks, one.frame) for one in track.keyframes]
    for one, t in zip(track.keyframes, places, strict=True):
        free[t] = [seen for seen in free[t] if _overlap(seen.box, one.box) < SAME]
    last = track.keyframes[-1]
    path = _Path([], _Seen(places[-1], last.box, 1.0), track, gone=not last.enabled)
    for (before, after), ends in zip(pairwise(track.keyframes), pairwise(places), strict=True):
        candidates = [seen for column in free[ends[0] + 1 : ends[1]] for seen in column]
        chosen = _best(before.box, after.box, ends, candidates)
        for seen in chosen:
            free[seen.look].remove(seen)
        path.seen += chosen if before.enabled else []
    return path


def _best(start: Box, end: Box, ends: tuple[int, int], candidates: Sequence[_Seen]) -> list[_Seen]:
    """The cheapest way from one box to another through some of the candidates, which are in order of time."""
    if not candidates:
        return []
    boxes = np.array([seen.box for seen in candidates])
    at = np.array([seen.look for seen in candidates], np.float64)
    doubt = MISS * (1 - np.array([seen.score for seen in candidates]))
    worth = _steps(np.array([start]), boxes, at - ends[0])[0] + doubt
    came = np.full(len(candidates), -1)
    for i in range(len(candidates)):
        near = np.flatnonzero((at[:i] < at[i]) & (at[:i] >= at[i] - SEARCHED))
        if len(near):
            ways = worth[near] + _steps(boxes[near], boxes[[i]], (at[i] - at[near])[:, None])[:, 0] + doubt[i]
            if ways.min() < worth[i]:
                worth[i], came[i] = ways.min(), near[ways.argmin()]
    arrived = worth + _steps(boxes, np.array([end]), (ends[1] - at)[:, None])[:, 0]
    direct = _steps(np.array([start]), np.array([end]), np.array(float(ends[1] - ends[0])))[0, 0]
    last = int(arrived.argmin()) if arrived.min() < direct else -1
    chosen: list[_Seen] = []
    while last >= 0:
        chosen.append(candidates[last])
        last = int(came[last])
    return chosen[::-1]


def _linked(looks: Sequence[Look], free: Sequence[Sequence[_Seen]], drawn: Sequence[_Path]) -> list[_Path]:
    """Paths through the boxes that are left, linked from look to look.

    Drawn ones go on behind their last keyframe, and begin with the path that leads to their first one. No other passes
    through a frame that a person saw whole.
    """
    done: list[_Path] = []
    active: list[_Path] = []
    firsts = [_index(looks, path.drawn.keyframes[0].frame) for path in drawn if path.drawn]
    for t, column in enumerate(free):
        begun = [path for path, first in zip(drawn, firsts, strict=True) if first == t]
        starts = [_Seen(t, path.drawn.keyframes[0].box, 1.0) for path in begun if path.drawn]
        taken = set[int]()
        for path, index in _matched(active, [*column, *starts], t, len(column)):
            taken.add(index)
            if index >= len(column):
                begun[index - len(column)].seen[:0] = path.seen
                active.remove(path)
                continue
            path.end = column[index]
            path.seen += [] if path.gone else [path.end]
        done += [path for path in active if looks[t].certain or t - path.end.look >= REACH]
        active = [path for path in active if not looks[t].certain and t - path.end.look < REACH]
        active += [_Path([seen], seen) for i, seen in enumerate(column) if i not in taken]
        active += [path for path in drawn if path.end.look == t and path not in active]
    return [path for path in [*done, *active] if path.drawn is None]


def _convinces(path: _Path, looks: int) -> bool:
    """Whether a path that nobody drew is shown."""
    return len(path.seen) >= min(FEWEST, looks) and sum(seen.score for seen in path.seen) >= LIKELY * len(path.seen)


def _matched(paths: Sequence[_Path], seen: Sequence[_Seen], look: int, strange: int) -> list[tuple[_Path, int]]:
    """(path, index of what it goes on to) for the best assignment; those from `strange` on begin other drawn tracks."""
    if not paths or not seen:
        return []
    gaps = np.array([[float(look - path.end.look)] for path in paths])
    cost = _steps(np.array([path.end.box for path in paths]), np.array([one.box for one in seen]), gaps)
    limit = FARTHEST + MISS * (gaps - 1)
    cost[np.array([path.drawn is not None for path in paths]), strange:] = np.inf
    rows, columns = linear_sum_assignment(np.minimum(cost, limit + 1))
    return [(paths[r], int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] <= limit[r, 0]]


def _track(looks: Sequence[Look], path: _Path, label: str) -> Track:
    """A path with the person's keyframes in it; it ends where it is last seen, unless that is the last look."""
    keyframes = {looks[seen.look].frame: Keyframe(looks[seen.look].frame, seen.box) for seen in path.seen}
    drawn = path.drawn.keyframes if path.drawn else ()
    keyframes |= {one.frame: one for one in drawn}
    ordered = [keyframes[frame] for frame in sorted(keyframes)]
    if ordered[-1].enabled and ordered[-1].frame < looks[-1].frame:
        ordered[-1] = replace(ordered[-1], enabled=False)
    scores = [seen.score for seen in path.seen] or [1.0]
    return Track(label, tuple(ordered), float(np.mean(scores)), path.drawn.region_id if path.drawn else None)


def _index(looks: Sequence[Look], frame: int) -> int:
    """Where the look at this frame is."""
    return bisect_left(looks, frame, key=lambda look: look.frame)


def _steps(before: NDArray[np.float64], after: NDArray[np.float64], gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) costs of going from (n, 4) boxes to (m, 4) ones so many looks later, with those of the looks between."""
    gaps = np.maximum(gaps, 1.0)
    centres = (before[:, None, :2] + before[:, None, 2:] - after[None, :, :2] - after[None, :, 2:]) / 2
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 1e-3, None).prod(1) for boxes in (before, after)]
    sides = np.sqrt((areas[0][:, None] + areas[1][None]) / 2)
    off = np.linalg.norm(centres, axis=2) / np.maximum(sides, 1e-6) / (STEP * gaps**0.75)
    ratio = np.abs(np.log(areas[1])[None] - np.log(areas[0])[:, None]) / 2
    return np.asarray(np.log1p(off**2) + RESIZE * ratio / gaps**0.5 + MISS * (gaps - 1))


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0
