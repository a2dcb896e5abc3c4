"""Why a group's micro-model stays poor, and what a person can do about it, in words. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from backend.types import LabeledFrame
from model_registry import VersionRecord

POOR_SCORE = 0.5
"""Held-out score below which people mend more than they accept, and a micro-model helps no other one."""
VERSIONS = 2
"""Versions in a row that must be poor: the first one of a group often is, and learns from what is mended."""
FEW_EXAMPLES = 3
"""Fewer labelled examples than these do not show what a label's objects have in common."""
SMALL_SIDE = 8.0
"""Pixels; of smaller objects the pictures show little more than that something is there."""


def examples(labeled: Sequence[LabeledFrame]) -> dict[str, Any]:
    """What a version learnt from, for its metrics: `{"labels": {label: examples}, "side": median side of objects, pixels}`.

    A side is the root of the box's area; None where nothing is drawn. Of classes, boxes are whole frames.
    """
    instances = [instance for frame in labeled for instance in frame.instances]
    sides = [((x1 - x0) * (y1 - y0)) ** 0.5 for x0, y0, x1, y1 in (one.box for one in instances)]
    return {"labels": dict(Counter(one.label for one in instances)), "side": median(sides) if sides else None}


def difficulty(history: Sequence[VersionRecord], doubt: float | None) -> str | None:
    """What keeps a group's micro-model poor; None where it is not, or too little is known.

    `history` is that of the group, newest first. `doubt` is the mean of 1 - score over its predictions: people mend the
    least certain frames first, so poor figures on these alone do not say that the others are poor.
    """
    if doubt is not None and doubt < 1 - POOR_SCORE:
        return None
    for control in dict.fromkeys(version.control for version in history):
        of_control = [version for version in history if version.control == control]
        known = [score for version in of_control if (score := _held_out_score(version)) is not None][:VERSIONS]
        if len(known) == VERSIONS and max(known) < POOR_SCORE:
            about = next((v.metrics["examples"] for v in of_control if "examples" in v.metrics), None)
            return f"{_what(known[0])} {_why(about or {})}"
    return None


def _held_out_score(version: VersionRecord) -> float | None:
    score = (version.metrics.get("unseen") or {}).get("score")
    return None if score is None else float(score)


def _what(score: float) -> str:
    return f"It does not work well here: a score of {score:.2f} on frames that it had not seen, and no better before."


def _why(about: Mapping[str, Any]) -> str:
    few = {label: n for label, n in about.get("labels", {}).items() if label and n < FEW_EXAMPLES}
    if few:
        label = min(few, key=lambda name: few[name])
        times = "once" if few[label] == 1 else "twice"
        return f'"{label}" is labelled {times} only: label more frames that hold it.'
    side = about.get("side")
    if side is not None and side < SMALL_SIDE:
        return f"Its objects measure about {side:.0f} pixels: pictures of a higher resolution would help."
    return _varied()


def _varied() -> str:
    return "Its frames may differ too much for one micro-model: label some of each kind, or split the group."
