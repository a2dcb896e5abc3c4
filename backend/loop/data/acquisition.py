"""Which frame is worth a human look next. Pure.

Before any label: as different as possible (k-center greedy). Later: how doubtful a frame is times how far it lies from
what is labelled and from what was picked before it, in time and in what a frozen network sees. Mistakes come in runs: an
object that is missed in one frame of a video is missed in its neighbours. One of them mended teaches the others, and ten
cost ten times as much; so a frame is near where either time or sample_features says so.

Label Studio hands out the lowest score first, and shows the score to people, so one number must serve both. The
published score is the calibrated probability that a person would leave the frame as it is, made to rise along the
wanted order by isotonic regression: the nearest scores, by least squares, that are in this order. Where the order
wants two neighbours swapped, both get their mean; so the mean over the group, and over each run of such neighbours,
stays exactly the calibrated one. Because nearness leaves a frame at least a share of its doubt (`MIN_DOUBT_SHARE`), only frames
whose doubts are within the inverse of that share of each other can swap, and no score moves by more than 1 less the share of
the largest doubt in its run. That is the price: near-duplicates of a doubtful frame look surer than they are until
it is labelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, isotonic_regression

Floats = NDArray[np.float64]

MIN_DOUBT_SHARE = 0.1
"""Share of its doubt that counts for a frame just like one that is labelled: it may still be wrong, so not 0. On the
stored predictions of four rounds of two groups the first ten frames hit as many runs of mistakes as with 0.5 and the mean
of both distances in seven of eight cases, one fewer in the other, with 68 human actions instead of 101."""
FRAMES_AHEAD = 20
"""Frames picked one after the other, each with regard to those before: about what a person labels until the next training
picks anew. The rest follow by their doubt alone, so that their scores stay as they are."""
SHIFT_PRIOR_DEVIATION = 1.0
"""Standard deviation, in log odds, of how far a group's probabilities are off before any of its reviews are known."""
TIE_BREAK_SHARE = 1e-4
"""Part of the scale that keeps equal scores in order: Label Studio hands out equal ones in any."""
MIN_PROBABILITY = 1e-4
"""No probability is nearer to 0 or 1 than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where frames lie: in time and in features; distances are in [0, 1] and both count the same."""

    times: Floats | None
    """(n,) in [0, 1]."""
    features: Floats | None
    """(n, d), scaled so that two frames of the group are about 1 apart."""
    size: int

    def distances(self, index: int) -> Floats:
        """(kinds, n): from one frame to all, in time and in features; where neither is known, of any two frames 1."""
        kinds = []
        if self.times is not None:
            kinds.append(np.abs(self.times - self.times[index]))
        if self.features is not None:
            kinds.append(np.minimum(np.sqrt(np.square(self.features - self.features[index]).sum(axis=1)), 1.0))
        return np.stack(kinds or [np.where(np.arange(self.size) == index, 0.0, 1.0)])

    @property
    def unknown(self) -> Floats:
        """(kinds, n): infinitely far, from no frame at all."""
        kinds = (self.times is not None) + (self.features is not None)
        return np.full((max(kinds, 1), self.size), np.inf)


def places(times: Sequence[float | None], features: Sequence[NDArray[np.float16] | None]) -> Places:
    """Of frames with these positions in time and these vectors; what some of them lack is left out for all."""
    known = [t for t in times if t is not None]
    spots = None
    if len(known) == len(times) and len(set(known)) > 1:
        spots = (np.asarray(known, np.float64) - min(known)) / (max(known) - min(known))
    seen = [np.asarray(f, np.float64) for f in features if f is not None]
    vectors = None
    if seen and len(seen) == len(features) and len({len(f) for f in seen}) == 1:
        stacked = np.stack(seen)
        centred = stacked - stacked.mean(axis=0)
        # The mean square distance of two frames is twice that to the mean.
        typical = np.sqrt(2 * np.square(centred).sum(axis=1).mean())
        vectors = centred / typical if typical > 0 else None
    return Places(spots, vectors, len(times))


def nearest(where: Places, chosen: Sequence[int]) -> Floats:
    """(kinds, n): from each frame to the nearest chosen one; infinite where none is chosen."""
    distance = where.unknown
    for index in chosen:
        distance = np.minimum(distance, where.distances(index))
    return distance


def diverse(where: Places, chosen: Sequence[int], most: int) -> list[int]:
    """The frames to begin with, `most` of them: each the farthest from those before and from the chosen ones."""
    distance, taken, found = nearest(where, chosen), set(chosen), list[int]()
    while len(found) < most and len(taken) < where.size:
        farthest = int(np.argmax(np.where(_mask(taken, where.size), -1.0, distance.mean(axis=0))))
        pick = farthest if taken else _middle(where)
        found.append(pick)
        taken.add(pick)
        distance = np.minimum(distance, where.distances(pick))
    return found


def order(probabilities: Sequence[float], where: Places, open_: Sequence[int], labelled: Sequence[int]) -> list[int]:
    """The open frames, the most useful first: doubt times distance to what is labelled or comes before.

    `probabilities` are of the open frames, in their order; both lists are indices into `where`.
    """
    doubt = np.zeros(where.size)
    doubt[list(open_)] = 1 - np.asarray(probabilities, np.float64)
    distance, left, found = nearest(where, labelled), set(open_), list[int]()
    scale = np.median(distance[:, list(open_)], axis=1) if len(open_) and len(labelled) else np.ones(len(distance))
    while left:
        # A kind of distance in which most frames are as near as can be tells nothing.
        shares = np.divide(distance, scale[:, None], out=np.ones_like(distance), where=scale[:, None] > 0)
        novelty = np.minimum(shares, 1.0).min(axis=0)
        value = doubt * (MIN_DOUBT_SHARE + (1 - MIN_DOUBT_SHARE) * novelty)
        if len(found) == FRAMES_AHEAD:
            return found + sorted(left, key=lambda i: (-doubt[i], i))
        pick = max(sorted(left), key=lambda i: value[i])
        found.append(pick)
        left.remove(pick)
        distance = np.minimum(distance, where.distances(pick))
    return found


def in_order(probabilities: Sequence[float]) -> list[float]:
    """The nearest scores to probabilities, given in the wanted order, that strictly rise: same mean, least squares."""
    if not probabilities:
        return []
    rising = isotonic_regression(np.asarray(probabilities, np.float64)).x
    step = np.linspace(0.0, TIE_BREAK_SHARE, len(rising))
    return [float(score) for score in np.clip(rising, 0.0, 1.0) * (1 - TIE_BREAK_SHARE) + step]


def shift(reviews: Sequence[tuple[float, bool]]) -> float:
    """How far, in log odds, a group's probabilities are off, by its reviews: (probability, left as it was) of each."""
    if not reviews:
        return 0.0
    odds = _log_odds(np.array([p for p, _ in reviews]))
    untouched = np.array([float(left) for _, left in reviews])

    def slope(by: float) -> float:
        return float((untouched - _sigmoid(odds + by)).sum() - by / SHIFT_PRIOR_DEVIATION**2)

    # It falls from above len(reviews) * 0 to below: the reviews cannot pull farther than their number.
    bound = SHIFT_PRIOR_DEVIATION**2 * len(reviews)
    return float(brentq(slope, -bound, bound))


def shifted(probabilities: Sequence[float], by: float) -> list[float]:
    """Probabilities moved by this much in log odds."""
    return [float(p) for p in _sigmoid(_log_odds(np.asarray(probabilities, np.float64)) + by)]


def _middle(where: Places) -> int:
    """The frame nearest to the middle of the group."""
    spread = np.zeros(where.size)
    if where.times is not None:
        spread += np.abs(where.times - 0.5)
    if where.features is not None:
        spread += np.sqrt(np.square(where.features).sum(axis=1))
    return int(np.argmin(spread))


def _mask(indices: set[int], size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, np.bool_)
    mask[list(indices)] = True
    return mask


def _log_odds(p: Floats) -> Floats:
    clipped = np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)))
