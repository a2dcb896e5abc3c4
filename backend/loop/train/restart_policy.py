"""Restart policy: when a running training is restarted with newer labels, and how long a group waits for its next version. Pure.

Two things are weighed: what the training would bring, by how far it is; and the rhythm in which a person labels. Before
the promised labels are there, a training that ends after them would only delay what everybody waits for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from model_registry import GroupRecord

PROMISED_LABELS = 5
"""Labelled frames that people are told to give before they look at the predictions: a training on fewer gives way to one
on them."""


@dataclass(frozen=True, slots=True)
class RunningTraining:
    """A training that runs."""

    labels: int
    """Labelled frames that it learns."""
    served_labels: int
    """Labelled frames that the version before it learnt; 0: there is none."""
    done: float
    """Share of it, in [0, 1]."""
    seconds_left: float | None
    """None: not known yet."""


def reason_to_wait(group: GroupRecord, labelled: int, mode: str, min_labels: int) -> str | None:
    """Why the group is not trained although its labels changed; None if it shall be. Pure."""
    if group.forced:
        return None
    if mode == "manual":
        return "training is manual: press 'Start training' or run `micro-models train`"
    if 0 < labelled < min_labels and group.trained_labels == 0:
        return f"{labelled} of {min_labels} frames labelled"
    return None


def should_restart(running: RunningTraining, available: int, interval: float | None, since: float) -> bool:
    """Whether to start again with the labels that came since: `available` labelled frames in all.

    `interval`: seconds between the last two labels, None where there is one only; `since`: seconds since the last.
    """
    if running.labels < available and running.labels < PROMISED_LABELS:
        if available >= PROMISED_LABELS:
            return True
        if interval is not None and running.seconds_left is not None:
            return _ends_too_late(running, running.seconds_left, (PROMISED_LABELS - available) * interval - since)
    # A correction counts as one label more: it brings as much as it would if it came to a training that had not begun.
    learns_more = running.labels > running.served_labels
    gain = (
        _error_drop(running.served_labels, running.labels)
        if learns_more
        else _error_drop(running.labels, running.labels + 1)
    )
    loss = _error_drop(running.labels, max(available, running.labels + 1))
    return running.done * gain < (1 - running.done) * loss


def label_interval(times: Sequence[float]) -> float | None:
    """Seconds between the two newest labels; None where there are not two."""
    newest = sorted(times)[-2:]
    return newest[1] - newest[0] if len(newest) == 2 else None


def is_obsolete(labels: int, available: int) -> bool:
    """Whether the promised labels are there, and work is still on fewer: nobody waits for its predictions any more."""
    return labels < PROMISED_LABELS <= available


def lag_message(learnt: int, available: int, seconds: float | None) -> str | None:
    """Where a group stands between two versions, in words; None where all its labels are learnt."""
    if available <= learnt:
        return None
    after = (
        f"trained on {learnt}, {available} are there"
        if learnt
        else "1 label is there"
        if available == 1
        else f"{available} labels are there"
    )
    if seconds is None:
        return after
    return f"{after}, {'next' if learnt else 'first version'} in about {_rounded(seconds)}"


def lag_message_of_video(keyframes: int, learnt: bool, seconds: float | None) -> str:
    """The same of whole videos, in which people draw keyframes."""
    available = "1 keyframe" if keyframes == 1 else f"{keyframes} keyframes"
    which = "next" if learnt else "first"
    return f"{available}; {which} prediction {'to come' if seconds is None else f'in about {_rounded(seconds)}'}"


def _ends_too_late(running: RunningTraining, seconds_left: float, promised_in: float) -> bool:
    """Whether the training ends after the promised labels are there, or a new one on more labels would end before."""
    whole = seconds_left / (1 - running.done) if running.done < 1 else seconds_left
    return seconds_left > promised_in or whole <= promised_in


def _error_drop(labels: int, more: int) -> float:
    """By how much the expected error falls from so many labels to `more` of them."""
    return _expected_error(labels) - _expected_error(more)


def _expected_error(labels: int) -> float:
    """What is left to do for people after so many labels, as a share: it falls with each, and with the first ones most."""
    return 1 / (labels + 1)


def _rounded(seconds: float) -> str:
    """A time that is guessed, no more exactly than it is known."""
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{max(5, 5 * round(seconds / 5))} s"
