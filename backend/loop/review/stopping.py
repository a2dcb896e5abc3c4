"""Stopping rule: whether more labelling pays, in words for the person who labels. Pure."""

from collections.abc import Sequence

from model_registry import ReviewSummary

LOOK_BACK = 20
"""Reviewed predictions that count as recent: two rounds of ten, few enough to follow a model that gets better."""
ACCEPTED_IN_A_ROW = 10
"""Predictions in a row accepted unchanged that call for a stop: with one frame in five wrong, one chance in ten."""
FEW_ACTIONS_PER_FRAME = 0.03
"""Actions a frame that are not worth going through the rest for: with fewer, one look costs more than it mends."""


def recent(reviews: Sequence[ReviewSummary], most: int = LOOK_BACK) -> list[ReviewSummary]:
    """The newest reviews of frames that had a prediction in front of the person, oldest first."""
    return [review for review in reviews if review.shown][-most:]


def accepted_in_a_row(reviews: Sequence[ReviewSummary]) -> int:
    """How many of the newest predictions were accepted unchanged, without a break."""
    streak = 0
    for review in reversed([review for review in reviews if review.shown]):
        if review.actions:
            break
        streak += 1
    return streak


def advice(reviews: Sequence[ReviewSummary], left: int, expected_left: float | None) -> str:
    """What to do next; `reviews` are the group's, oldest first, `left` its frames without a label."""
    if not reviews:
        return f"Nothing is labelled yet: begin with about five of the {left} frames that differ from each other."
    if left == 0 and not expected_left:
        return "All frames are labelled."
    shown, where = recent(reviews), f" in {left} frames" if left else ""
    rest = "" if expected_left is None else f"; about {_actions(expected_left)} left{where}"
    if not shown:
        return f"No prediction has been reviewed yet{rest}."
    streak = accepted_in_a_row(reviews)
    small = expected_left is not None and expected_left <= FEW_ACTIONS_PER_FRAME * left
    if streak >= ACCEPTED_IN_A_ROW or (small and streak):
        return f"More labelling hardly pays: the last {_predictions(streak)} accepted unchanged{rest}."
    mended = sum(review.actions > 0 for review in shown)
    if not mended:
        return f"So far, so good: the last {_predictions(len(shown))} accepted unchanged{rest}."
    return f"Go on: {mended} of the last {len(shown)} predictions reviewed were corrected{rest}."


def video_advice(reviews: Sequence[ReviewSummary], left: int, predicted: bool) -> str:
    """What to do next with whole videos; `left` have no keyframe yet, `predicted`: whether a prediction is there."""
    others = f" {_videos(left)} no keyframe yet." if left else ""
    if not reviews:
        return "No keyframe is drawn yet: draw the objects in about five frames that differ, then submit."
    if not predicted:
        return f"The prediction of the whole video comes with the first training.{others}"
    shown = recent(reviews)
    if not shown:
        return f"Open the task, take the prediction over, mend where it is wrong, and submit.{others}"
    mended = shown[-1].actions
    if not mended:
        return f"The last prediction was taken over as it was.{others}"
    places = "1 place" if mended == 1 else f"{mended} places"
    return f"The last prediction was mended in {places}; the next one learns from that.{others}"


def _videos(count: int) -> str:
    return "1 video has" if count == 1 else f"{count} videos have"


def _actions(count: float) -> str:
    return "1 action is" if round(count) == 1 else f"{count:.0f} actions are"


def _predictions(count: int) -> str:
    return "prediction was" if count == 1 else f"{count} predictions were"
