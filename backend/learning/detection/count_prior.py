"""Count prior: how many instances of a label a frame is expected to hold, as the labelled frames tell. Pure.

In log odds: the k-th number says how likely it is that there are more than k; the last one holds for all more.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_COUNT = 64
"""Instances that are told apart; where there are more, one more or less says nothing."""
NEAREST_FRAMES_WEIGHT = 0.5
"""Weight of the labelled frames next in time against all of them together: things come and go, but seldom."""

UNSEEN_SHARE = 0.1
"""Share of objects of which a detector sees nothing at all. That none is seen where one may be says that none is there."""
NEIGHBOUR_FRAMES = 3
"""Frames to either side in time that ought to show as many objects."""
VANISHED_FACTOR = 0.5
"""Share of its probability of being right that a frame keeps for each object less than one of these shows."""


def odds_of_counts(counts: Sequence[int]) -> list[float]:
    """From the counts in labelled frames of which no order is known; without frames nothing is known."""
    shares = _more(counts).mean(0) if counts else np.full(1, 0.5)
    return [float(odds) for odds in _odds(shares, len(counts))]


def odds_in_time(orders: Sequence[float], labeled: Sequence[tuple[float, int]]) -> list[list[float]]:
    """For frames at `orders`, from the (order, count) of at least one labelled frame.

    A labelled frame speaks for the time around it, half way to the next ones: which frames were labelled is no accident,
    since people are handed the doubtful ones first. Those next in time count once more.
    """
    known = sorted(labeled)
    at, more = np.array([order for order, _ in known], float), _more([count for _, count in known])
    asked = np.asarray(orders, float)
    ends = [min(at[0], asked.min(initial=at[0])), max(at[-1], asked.max(initial=at[-1]))]
    spans = np.diff([ends[0], *(at[:-1] + at[1:]) / 2, ends[1]])
    overall = np.average(more, axis=0, weights=spans if spans.sum() > 0 else None)
    after = np.clip(np.searchsorted(at, asked), 1, len(at) - 1) if len(at) > 1 else np.zeros(len(asked), int)
    before = np.maximum(after - 1, 0)
    way = np.clip((asked - at[before]) / np.maximum(at[after] - at[before], 1e-9), 0, 1)[:, None]
    near = more[before] * (1 - way) + more[after] * way
    expected = (1 - NEAREST_FRAMES_WEIGHT) * overall + NEAREST_FRAMES_WEIGHT * near
    return [[float(odds) for odds in row] for row in _odds(expected, len(known))]


def no_more(odds: Sequence[float], shown: int) -> float:
    """The probability that a frame of these log odds holds no more than so many instances, given that none holds more than
    the fullest labelled frame: of that nothing is known, and it is the same for all frames."""
    fewer, most = 1 / (1 + np.exp([odds[min(shown, len(odds) - 1)], odds[-1]]))
    return float(fewer / most)


def nothing_missed(probability: float) -> float:
    """The probability that nothing was missed in a frame, where `no_more` had this one before anybody looked: Bayes' rule."""
    return probability / (probability + UNSEEN_SHARE * (1 - probability))


def vanished(orders: Sequence[float], shown: Sequence[int]) -> NDArray[np.int64]:
    """(frames,) of a film with frames at `orders`, each of which shows so many instances: how many less than the fullest of its
    neighbours in time."""
    in_time, found = np.argsort(orders), np.zeros(len(shown), np.int64)
    counts = np.asarray(shown, np.int64)[in_time]
    for at, frame in enumerate(in_time):
        found[frame] = counts[max(at - NEIGHBOUR_FRAMES, 0) : at + NEIGHBOUR_FRAMES + 1].max() - counts[at]
    return found


def odds_of_frames(
    orders: Sequence[float | None], labeled: Sequence[tuple[float | None, int]], counts: Sequence[int]
) -> list[list[float]] | None:
    """For each of the frames at `orders`: in time where both these and the (order, count) of labelled frames have one, else
    as `counts`, known since the training, tell; None where nothing is known."""
    at = [order for order in orders if order is not None]
    known = [(order, count) for order, count in labeled if order is not None]
    if known and len(at) == len(orders):
        return odds_in_time(at, known)
    return [odds_of_counts(counts)] * len(orders) if counts else None


def _more(counts: Sequence[int]) -> Array:
    """(frames, k) 1 where a frame has more than k instances."""
    top = min(max(counts, default=0), MAX_COUNT)
    return (np.asarray(counts)[:, None] > np.arange(top + 1)).astype(float)


def _odds(shares: Array, frames: int) -> Array:
    """Log odds of shares of so many frames: few leave doubt. In a crowd nothing speaks for ever more."""
    shares = np.concatenate([shares[..., :MAX_COUNT], np.minimum(shares[..., MAX_COUNT:], 0.5)], -1)
    sure = (shares * frames + 0.5) / (frames + 1)
    return np.asarray(np.log(sure / (1 - sure)))
