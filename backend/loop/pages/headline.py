"""Status of a group in a sentence or two, and what a person can do next. Pure."""

from dataclasses import dataclass

from backend.loop.review.efficiency import Efficiency
from model_registry import GroupRecord, GroupState


@dataclass(frozen=True, slots=True)
class Turn:
    """Why a group that is queued waits."""

    before: int
    """Groups that are worked on first, those at work now among them."""
    settles_in: float | None
    """Seconds until its newest labels are taken for settled; None: they are."""


def headline(
    group: GroupRecord, state: GroupState, efficiency: Efficiency, expects: str | None, turn: Turn | None, proposed: str
) -> str:
    """`expects` says when the next version comes, `turn` why a queued group waits, `proposed` whose predictions are shown
    where nothing is labelled."""
    match state:
        case "failed":
            return "The last training failed. What was predicted before stays."
        case "training":
            return _sentence("It trains", expects) if group.trained_labels or not expects else _first(group, expects)
        case "publishing":
            return "The other frames are being predicted; Label Studio shows them in a moment."
        case "queued":
            return _sentence("New labels wait", expects) + (f" {_why(turn)}" if turn else "")
    return _idle(group, efficiency, proposed)


def _idle(group: GroupRecord, efficiency: Efficiency, proposed: str) -> str:
    left = efficiency.left
    if proposed:
        return f"Nothing is labelled here yet. What is shown comes from {proposed}: correct what is least certain."
    if not group.labelled or efficiency.whole_videos:
        return efficiency.advice
    if not left:
        return "Done: every frame is labelled."
    if group.doubt is None:
        return "Nothing could be predicted yet. " + efficiency.advice
    if not efficiency.reviewed:
        frames = "The other frame has a prediction" if left == 1 else f"The other {left} frames have predictions"
        return f"{frames}. Open the least certain first: accept it, or correct it, and submit."
    return efficiency.advice


def _first(group: GroupRecord, expects: str) -> str:
    return _sentence("The first training runs", expects)


def _sentence(what: str, more: str | None) -> str:
    return f"{what}: {more}." if more else f"{what}."


def _why(turn: Turn) -> str:
    if turn.settles_in is not None:
        return f"Training starts {turn.settles_in:.0f} s after the last of them."
    if turn.before:
        return f"{turn.before} other {'group is' if turn.before == 1 else 'groups are'} trained first."
    return "It is next."
