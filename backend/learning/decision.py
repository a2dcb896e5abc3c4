"""From what the network sees in each frame to what is shown: counts, and agreement in time where there is an order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.learning.blueprint import Blueprint
from backend.learning.heads.base import Candidates
from backend.learning.mistakes import discounted
from backend.learning.tracking import Column, Rules, Shown, link, moves_smoothly, odds_of_counts
from backend.types import Instance, LabeledFrame, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One frame's candidates."""

    task: int
    order: float | None
    size: tuple[int, int]
    """Width and height of the original frame, pixels."""
    candidates: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What is shown in one frame, by label index, and which candidates these are."""

    seen: Seen
    shown: tuple[Shown, ...]


def decide(seen: Sequence[Seen], labeled: Sequence[LabeledFrame], blueprint: Blueprint) -> list[Decided]:
    """What to show in each frame, in the frames' order."""
    rules = Rules(threshold=blueprint.score_threshold)
    by_label = [_of_label(seen, labeled, blueprint, index, rules) for index in range(len(blueprint.labels))]
    return [Decided(one, tuple(column[i] for column in by_label)) for i, one in enumerate(seen)]


def predictions(decided: Sequence[Decided], labels: Sequence[str]) -> list[Prediction]:
    """As the other rooms see them."""
    return [_prediction(one, labels) for one in decided]


def _of_label(
    seen: Sequence[Seen], labeled: Sequence[LabeledFrame], blueprint: Blueprint, index: int, rules: Rules
) -> list[Shown]:
    odds = odds_of_counts(blueprint.counts[index])
    columns = [_column(one, index, blueprint) for one in seen]
    anchors = [_anchor(one, blueprint.labels[index]) for one in labeled if one.frame.order is not None]
    ordered = len({one.order for one in seen} - {None}) == len(seen)
    if ordered:
        taken = {one.order for one in seen}
        together = sorted([*columns, *(a for a in anchors if a.order not in taken)], key=lambda column: column.order)
        if moves_smoothly(together):
            shown = dict(zip((column.order for column in together), link(together, odds, rules), strict=True))
            return [shown[column.order] for column in columns]
    alone = replace(rules, reach=0, ends=0.0)
    return link(columns, odds, alone)


def _column(seen: Seen, index: int, blueprint: Blueprint) -> Column:
    found = seen.candidates
    own = found.classes == index
    scores = discounted(found, seen.size, blueprint.mistakes, blueprint.score_threshold)[own]
    order = seen.order if seen.order is not None else 0.0
    return Column(order, found.boxes[own].astype(np.float64), scores.astype(np.float64))


def _anchor(labeled: LabeledFrame, label: str) -> Column:
    boxes = np.array([i.box for i in labeled.instances if i.label == label], np.float64).reshape(-1, 4)
    return Column(float(labeled.frame.order or 0.0), boxes, np.ones(len(boxes)), certain=True)


def _prediction(decided: Decided, labels: Sequence[str]) -> Prediction:
    instances = [
        Instance(label, (float(box[0]), float(box[1]), float(box[2]), float(box[3])), min(max(float(score), 0.0), 1.0))
        for label, shown in zip(labels, decided.shown, strict=True)
        for box, score in zip(shown.boxes, shown.scores, strict=True)
        if box[2] > box[0] and box[3] > box[1]
    ]
    return Prediction(decided.seen.task, tuple(instances), _untouched(decided))


def _untouched(decided: Decided) -> float:
    """How probable it is that every shown box is right and no other candidate is."""
    score = 1.0
    for index, shown in enumerate(decided.shown):
        own = decided.seen.candidates.scores[decided.seen.candidates.classes == index].astype(np.float64)
        rejected = np.delete(own, shown.chosen[shown.chosen >= 0])
        score *= float(np.prod(shown.scores) * np.prod(1 - np.minimum(rejected, 0.9)))
    return min(max(score, 0.0), 1.0)
