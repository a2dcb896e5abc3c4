"""Time of labelling: what was spent, what predictions saved, what is left. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from model_registry import ReviewSummary

MIN_ANNOTATIONS = 3
"""Annotations of a kind from which on their usual time is told: one may have been a coffee."""
LOOK_BACK = 20
"""Newest annotations of a kind that are asked: the model gets better, and so does the person."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Times of one group, in seconds, by the `lead_time` of its annotations."""

    spent: float
    drawn: float | None
    """Usual time of a frame without a prediction; None where too few are known."""
    corrected: float | None
    """The same with a prediction in sight."""
    saved: float | None
    """What predictions spared: negative where they cost."""
    left: float | None
    """Expected for the frames without a label."""


def minutes(seconds: Mapping[int, float], reviews: Sequence[ReviewSummary], left: int) -> Minutes:
    """`seconds` of annotations, by id; `reviews` of the group, oldest first; `left`: its frames without a label."""
    known = [(review.shown, seconds[review.annotation]) for review in reviews if seconds.get(review.annotation)]
    drawn, corrected = (_usual([s for shown, s in known if shown is kind]) for kind in (False, True))
    with_prediction = [s for shown, s in known if shown]
    saved = None if drawn is None or corrected is None else len(with_prediction) * drawn - sum(with_prediction)
    each = drawn if corrected is None else corrected
    return Minutes(sum(s for _, s in known), drawn, corrected, saved, None if each is None else each * left)


def _usual(times: Sequence[float]) -> float | None:
    return median(times[-LOOK_BACK:]) if len(times) >= MIN_ANNOTATIONS else None
