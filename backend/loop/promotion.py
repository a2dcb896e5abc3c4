"""Whether a newly trained version may serve. Pure."""

from dataclasses import dataclass

from backend.types import Metrics

TOLERANCE = 0.01
"""F1 that a candidate may lose on the group's human labels: less than one box in fifty is within chance."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Promote or reject, and why, in words for the person who labels."""

    promote: bool
    reason: str


def decide(candidate: Metrics, serving: Metrics | None) -> Decision:
    """Judge a candidate by the group's human labels, against the version that serves (None: none does).

    Both figures are over the same frames, and the candidate was trained on them: only a candidate that cannot even
    repeat what it was taught as well as its predecessor loses here.
    """
    if serving is None or serving.f1 is None:
        return Decision(True, "the first version that serves")
    if candidate.f1 is None:
        return Decision(False, f"it finds nothing to compare, the serving version has F1 {serving.f1:.3f}")
    if candidate.f1 < serving.f1 - TOLERANCE:
        return Decision(
            False,
            f"F1 {candidate.f1:.3f} on the {candidate.frames} labelled frames, the serving version {serving.f1:.3f}",
        )
    return Decision(True, f"F1 {candidate.f1:.3f} on the {candidate.frames} labelled frames, before {serving.f1:.3f}")
