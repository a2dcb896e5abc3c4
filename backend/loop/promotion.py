"""Whether a newly trained version may serve. Pure."""

from dataclasses import dataclass

from backend.types import Quality

TOLERANCE = 0.01
"""Score that a candidate may lose on the group's human labels: less than one box in fifty is within chance."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Promote or reject, and why, in words for the person who labels."""

    promote: bool
    reason: str


def decide(candidate: Quality, serving: Quality | None) -> Decision:
    """Judge a candidate by the group's human labels, against the version that serves (None: none does).

    Both figures are over the same frames, and the candidate was trained on them: only a candidate that cannot even
    repeat what it was taught as well as its predecessor loses here.
    """
    if serving is None or serving.score is None:
        return Decision(True, "the first version that serves")
    before = f"{candidate.measure} on the {candidate.frames} labelled frames, the serving version {serving.score:.3f}"
    if candidate.score is None:
        return Decision(False, f"no {before}")
    return Decision(candidate.score >= serving.score - TOLERANCE, f"{candidate.score:.3f} {before}")
