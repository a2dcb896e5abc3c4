"""Promotion gate: whether a newly trained version may serve. Pure.

Asked by `train_group._decide`; a pin, also after a rollback, overrides it in `model_registry/versions.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.loop.data.pages import in_words
from backend.types import LabeledFrame, Quality

OLDER_TOLERANCE = 0.05
"""Score that it may lose on the labels that the previous version learnt: these are fewer, and chance is larger."""
CONFLICT_SCORE = 0.5
"""A frame whose label the serving version meets less well than this disagrees with what was labelled before."""
MOST_NAMED = 5
"""Frames that a reason names: enough to look at."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Promote or reject, and why, in words for the person who labels."""

    promote: bool
    reason: str


@dataclass(frozen=True, slots=True)
class QualityChange:
    """One quality of the candidate and of the serving version, over the same frames."""

    candidate: Quality
    serving: Quality


def decide(
    every: Quality, serving: Quality | None, older: QualityChange | None, conflicting: Sequence[int]
) -> Decision:
    """Evaluate a candidate by the group's human labels, against the version that serves (None: none does).

    The candidate was trained on all of them, so that `every`, its quality over all, and `serving`, that of its
    predecessor, tell only whether it can repeat what it was taught: it must at least not do worse than one that never
    saw the newest of them. `older` is over the labels that both were trained on: a candidate that loses there was
    taught something that contradicts them. Then `conflicting` are the tasks to look at, those whose new labels disagree
    most with the older ones.
    """
    if serving is None or serving.score is None:
        return Decision(True, "the first version that serves")
    before = f"{every.measure} on the {every.frames} labelled frames, the serving version {serving.score:.3f}"
    if every.score is None:
        return Decision(False, f"no {before}")
    figures = f"{every.score:.3f} {before}"
    if every.score < serving.score:
        return Decision(False, figures + _look_at(conflicting))
    if older is not None and older.serving.score is not None:
        had, has = older.serving.score, older.candidate.score or 0.0
        if has < had - OLDER_TOLERANCE:
            lost = f"{has:.3f} {every.measure} on the {older.serving.frames} frames labelled before, that version {had:.3f}"
            return Decision(False, lost + _look_at(conflicting))
    return Decision(True, figures)


def conflicting_labels(scores: Mapping[int, float | None]) -> list[int]:
    """Of the newly labelled tasks, with the serving version's quality in each, those that disagree most; worst first."""
    low = [(score, task) for task, score in scores.items() if score is not None and score < CONFLICT_SCORE]
    return [task for _, task in sorted(low)][:MOST_NAMED]


def label_hash(frame: LabeledFrame) -> str:
    """Changes with what is labelled in the frame, and with nothing else."""
    content = hashlib.sha256()
    for instance in sorted(frame.instances, key=lambda i: (i.label, i.box)):
        points = [(p.label, round(p.x, 2), round(p.y, 2)) for p in instance.keypoints]
        content.update(repr((instance.label, [round(edge, 2) for edge in instance.box], points)).encode())
        content.update(b"" if instance.mask is None else instance.mask.tobytes())
        content.update(f"{instance.angle:.1f}".encode() if instance.angle else b"")
    return content.hexdigest()[:12]


def split_seen(labeled: Sequence[LabeledFrame], metrics: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    """(indices of the frames that a version with these metrics learnt as they are labelled now, of those it did not)."""
    hashes, tasks = metrics.get("label_hashes", metrics.get("digests")), set(metrics.get("tasks", ()))
    seen, unseen = list[int](), list[int]()
    for n, frame in enumerate(labeled):
        # The oldest versions only tell which frames they learnt; later ones called the hashes digests.
        known = frame.frame.task in tasks if hashes is None else hashes.get(str(frame.frame.task)) == label_hash(frame)
        (seen if known else unseen).append(n)
    return seen, unseen


def _look_at(tasks: Sequence[int]) -> str:
    if not tasks:
        return ""
    named = ("task " if len(tasks) == 1 else "tasks ") + ", ".join(
        in_words(task).removeprefix("task ") for task in tasks
    )
    return f". Look at {named}: the labels there disagree most with the older ones"
