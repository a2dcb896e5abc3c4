"""Scores: what a region's and a frame's mean, the same for all heads, and the one place where they are calibrated.

A region's score is the probability that the region is right: that a person leaves it as it is. Of a mask, which
nobody leaves to the last pixel, it is the intersection over union to expect. A frame's score is the probability that
a person leaves the whole frame: that each region shown is right, that no candidate left out is, and that the frame
holds no more than is shown, as the counts of the labelled frames tell, and of boxes in a film the neighbours, too
(`detection/count_prior.py`). Without the last,
a frame in which nothing is seen would be the surest of all, and a missed object would hide behind the highest score.

The chain from the network to Label Studio's column:
1. a head's confidence in [0, 1]: height of a heatmap's peak, mass around a keypoint, expected overlap, share of the votes;
2. `Calibration` (here): confidences of boxes become probabilities by Platt scaling, other heads' are taken as they are;
3. `frame_score` (here) puts a frame's together: `Prediction.score`; what is not finite becomes 0 in `objects/composing.kept`;
4. `loop/data/merge.merge`: a task's score is that of its least certain control, since one wrong part is work for a person;
5. `loop/predict/scoring.published_scores`: all are shifted in log odds until they agree with the group's own reviews, then
   put in the order worth looking at without two being equal; kept in the ledger, `uncalibrated_score` as they came out of step 4;
6. `loop/predict/publish`: the prediction's `score` in Label Studio, whose lowest is handed out first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PROBABILITY_EPS = 1e-4
"""Probabilities are clipped to this far from 0 and 1: beyond, log odds are noise."""


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """A straight line between log odds (Platt, Probabilistic outputs for support vector machines, 1999)."""

    gain: float = 1.0
    shift: float = 0.0

    def __call__(self, scores: Array) -> Array:
        """Confidences (n,) in [0, 1] as probabilities; themselves where the line changes nothing."""
        if (self.gain, self.shift) == (1.0, 0.0):
            return scores
        p = np.clip(scores, PROBABILITY_EPS, 1 - PROBABILITY_EPS)
        return np.asarray(1 / (1 + np.exp(-self.gain * np.log(p / (1 - p)) - self.shift)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a candidate's confidence to the probability that it is an object, by whether it is shown."""

    shown: PlattScaling = PlattScaling()
    rejected: PlattScaling = PlattScaling()


IDENTITY = Calibration()
BOXES = Calibration(PlattScaling(1.2, 1.5), PlattScaling(2.0, -1.3))
"""Networks that have seen five frames are underconfident about what time confirms. Measured once over groups of several kinds."""


def frame_score(shown: Sequence[float] | Array, rejected: Sequence[float] | Array = (), no_more: float = 1.0) -> float:
    """The probability that a person leaves a frame as it is, in [0, 1].

    Of the probabilities of being right of what is shown, and of what is not; `no_more` is the probability that the frame holds
    no more than what is shown (1 where nothing is known of counts).
    """
    right = float(np.prod(np.asarray(shown, float)) * np.prod(1 - np.asarray(rejected, float)) * no_more)
    return min(max(right, 0.0), 1.0)
