"""Suggesting: which frames are worth a human look next (active learning: uncertainty times novelty). Pure but for the model.

A frame is worth the more the less probable it is that a person would leave it as it is, and the less it is like what was
labelled or suggested before it: mistakes come in runs, and one of them mended teaches the others.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.instances import Instances
from backend.objects.frames import AnyFrame, AnyFrames, each_of, input_frame
from backend.objects.model import Answer, Model

MIN_DOUBT_SHARE = 0.1
"""Share of its doubt that counts for a frame just like one that is labelled: it may still be wrong, so not 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """A frame that is worth a look."""

    index: int
    """Among the frames that were given."""
    frame: AnyFrame = field(repr=False)
    doubt: float
    """Probability that a person would change what the model says, in [0, 1]."""


def suggest(model: Model, frames: AnyFrames, labels: Sequence[Instances] = (), *, most: int = 10) -> list[Suggestion]:
    """The frames worth a look, the most useful first, `most` of them. `labels` are what people drew in other frames."""
    given = list(each_of(frames))
    if not given:
        return []
    answers = [_without_masks(model.answers([input_frame(frame, n)])[0]) for n, frame in enumerate(given)]
    doubt = np.array([1 - one.score for one in answers])
    names = sorted({str(name) for one in (*labels, *(a.found for a in answers)) for name in one.label})
    seen, known = _contents([a.found for a in answers], names), _contents(labels, names)
    times = np.linspace(0, 1, len(given))
    novelty: NDArray[np.float64] = np.ones(len(given))
    for one in known:
        novelty = np.minimum(novelty, _distances(seen, one))
    chosen = list[int]()
    for _ in range(min(most, len(given))):
        worth = doubt * (MIN_DOUBT_SHARE + (1 - MIN_DOUBT_SHARE) * novelty)
        worth[chosen] = -1.0
        pick = int(np.argmax(worth))
        chosen.append(pick)
        novelty = np.minimum(novelty, np.maximum(_distances(seen, seen[pick]), np.abs(times - times[pick])))
    return [Suggestion(n, given[n], float(doubt[n])) for n in chosen]


def _without_masks(answer: Answer) -> Answer:
    """Masks of a long film would not fit into memory."""
    return Answer(answer.found.with_columns(mask=None), answer.score)


def _contents(some: Sequence[Instances], names: Sequence[str]) -> NDArray[np.float64]:
    """(n, labels) how many objects of each label are there."""
    counts = [Counter(one.label.tolist()) for one in some]
    return np.array([[one[name] for name in names] for one in counts], np.float64).reshape(len(some), len(names))


def _distances(contents: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) in [0, 1]: share of the objects that two frames do not have in common."""
    apart, all_ = np.abs(contents - other).sum(1), np.maximum(contents, other).sum(1)
    return np.asarray(np.divide(apart, all_, out=np.zeros(len(contents)), where=all_ > 0))
