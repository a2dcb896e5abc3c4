"""From what the network sees in each frame to what is shown: counts, and agreement in time where there is an order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.learning.detection.candidates import Candidates
from backend.learning.detection.config import Blueprint
from backend.learning.detection.count_prior import no_more, odds_in_time, odds_of_counts, odds_of_frames
from backend.learning.detection.hard_negatives import discounted
from backend.learning.score import AS_IT_IS, BOXES, Calibration, frame_score
from backend.learning.tracking.graph import Column, Rules
from backend.learning.tracking.link import FEWEST_STEPS, Shown, link, moves_smoothly
from backend.types import Box, Instance, LabeledFrame, Prediction

Array = NDArray[np.float64]
Boxes = TypeVar("Boxes", NDArray[np.float32], NDArray[np.float64])

JUMP = 0.7
"""Probability that a box that fills a jump is right, as a share of the weaker end's."""


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
    calibration: Calibration = AS_IT_IS
    no_more: float = 1.0
    """The probability that there are no more objects than are shown, as the labelled frames' counts tell."""


def decide(seen: Sequence[Seen], labeled: Sequence[LabeledFrame], blueprint: Blueprint) -> list[Decided]:
    """What to show in each frame, in the frames' order.

    Frames are compared as if all had the size of the first: what keeps its place in a frame stays where it is.
    """
    if not seen:
        return []
    rules, canvas = Rules(threshold=blueprint.score_threshold, smooth=blueprint.smoothing), seen[0].size
    alike, drawn = [_on_canvas(one, canvas) for one in seen], [_drawn_on_canvas(one, canvas) for one in labeled]
    by_label = [_of_label(alike, drawn, blueprint, index, rules) for index in range(len(blueprint.labels))]
    complete = _no_more(seen, by_label, labeled, blueprint)
    calibration = BOXES if blueprint.calibration else AS_IT_IS
    return [
        Decided(one, tuple(_inside(column[i], canvas, one.size) for column in by_label), calibration, complete[i])
        for i, one in enumerate(seen)
    ]


def _no_more(
    seen: Sequence[Seen], by_label: Sequence[Sequence[Shown]], labeled: Sequence[LabeledFrame], blueprint: Blueprint
) -> list[float]:
    """For each frame the probability that it holds no more objects of any label than are shown."""
    probable, orders = np.ones(len(seen)), [one.order for one in seen]
    for label, column, counts in zip(blueprint.labels, by_label, blueprint.counts, strict=True):
        known = [(one.frame.order, sum(i.label == label for i in one.instances)) for one in labeled]
        odds = odds_of_frames(orders, known, counts) if blueprint.count_prior else None
        if odds is not None:
            probable *= [no_more(own, len(shown.boxes)) for own, shown in zip(odds, column, strict=True)]
    return [float(one) for one in probable]


def _on_canvas(seen: Seen, canvas: tuple[int, int]) -> Seen:
    """The frame's candidates as if it had the size of the canvas."""
    boxes = _stretched(seen.candidates.boxes, seen.size, canvas)
    return seen if seen.size == canvas else replace(seen, size=canvas, candidates=replace(seen.candidates, boxes=boxes))


def _drawn_on_canvas(labeled: LabeledFrame, canvas: tuple[int, int]) -> LabeledFrame:
    """The labelled boxes as if their frame had the size of the canvas."""
    size = labeled.frame.width, labeled.frame.height
    boxes = _stretched(np.array([i.box for i in labeled.instances], np.float64).reshape(-1, 4), size, canvas)
    moved = (replace(i, box=_box(row)) for i, row in zip(labeled.instances, boxes, strict=True))
    return labeled if size == canvas else replace(labeled, instances=tuple(moved))


def _stretched(boxes: Boxes, size: tuple[int, int], to: tuple[int, int]) -> Boxes:
    """(n, 4) boxes of a frame of this size, in one of the other."""
    return boxes * np.array([to[0] / size[0], to[1] / size[1]] * 2, boxes.dtype)


def _inside(shown: Shown, canvas: tuple[int, int], size: tuple[int, int]) -> Shown:
    """Back in the frame's own size, and within it, which the smooth course of what leaves it may not be."""
    return replace(shown, boxes=np.clip(_stretched(shown.boxes, canvas, size), 0, [*size, *size]))


def predictions(decided: Sequence[Decided], labels: Sequence[str]) -> list[Prediction]:
    """As the other rooms see them."""
    return [_prediction(one, labels) for one in decided]


def _of_label(
    seen: Sequence[Seen], labeled: Sequence[LabeledFrame], blueprint: Blueprint, index: int, rules: Rules
) -> list[Shown]:
    columns = [_column(one, index, blueprint) for one in seen]
    trusted = [_trusted(one, column, index, blueprint) for one, column in zip(seen, columns, strict=True)]
    anchors = [_anchor(one, blueprint.labels[index]) for one in labeled if one.frame.order is not None]
    usual = [odds_of_counts(blueprint.counts[index] if blueprint.count_prior else ())]
    if blueprint.linking and len({one.order for one in seen} - {None}) == len(seen) >= FEWEST_STEPS:
        taken = {column.order for column in columns}
        anchors = [anchor for anchor in anchors if anchor.order not in taken]
        together = np.argsort([column.order for column in [*columns, *anchors]], kind="stable")
        if moves_smoothly([[*columns, *anchors][i] for i in together]):
            steps = [[*trusted, *anchors][i] for i in together]
            known = [(one.order, len(one.boxes)) for one in anchors if blueprint.count_prior]
            expected = odds_in_time([one.order for one in steps], known) if known else usual * len(steps)
            shown = link(steps, expected, rules)
            place = np.argsort(together)
            return [shown[place[i]] for i in range(len(columns))]
    return link(trusted, usual * len(trusted), replace(rules, reach=0, ends=0.0))


def _column(seen: Seen, index: int, blueprint: Blueprint) -> Column:
    own = np.flatnonzero(seen.candidates.classes == index)[: blueprint.candidates(index)]
    boxes, scores = seen.candidates.boxes[own].astype(np.float64), seen.candidates.scores[own].astype(np.float64)
    return Column(seen.order if seen.order is not None else 0.0, boxes, scores)


def _trusted(seen: Seen, column: Column, index: int, blueprint: Blueprint) -> Column:
    """The column, with lower scores where the labelled frames tell that the network is fooled."""
    places = [one for one in blueprint.mistakes if one.label == index]
    return replace(column, scores=discounted(column.boxes, column.scores, seen.size, places, blueprint.score_threshold))


def _anchor(labeled: LabeledFrame, label: str) -> Column:
    own = [i for i in labeled.instances if i.label == label]
    boxes, drawn = (
        np.array([i.box for i in own], np.float64).reshape(-1, 4),
        np.array([not i.accepted for i in own], bool),
    )
    return Column(float(labeled.frame.order or 0.0), boxes, np.ones(len(boxes)), certain=True, drawn=drawn)


def _box(row: Array) -> Box:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def _prediction(decided: Decided, labels: Sequence[str]) -> Prediction:
    instances = [
        Instance(label, _box(box), float(score))
        for label, shown in zip(labels, decided.shown, strict=True)
        for box, score in zip(shown.boxes, decided.calibration.shown(shown.scores), strict=True)
        if box[2] > box[0] and box[3] > box[1]
    ]
    return Prediction(decided.seen.task, tuple(instances), _untouched(decided))


def _untouched(decided: Decided) -> float:
    """How probable it is that every shown box is right, no other candidate is, and nothing is missing."""
    right, wrong, found = list[Array](), list[Array](), decided.seen.candidates
    for index, shown in enumerate(decided.shown):
        own = found.scores[found.classes == index].astype(np.float64)
        rejected = np.delete(own, shown.chosen[shown.chosen >= 0])
        right.append(decided.calibration.shown(shown.scores) * np.where(shown.chosen < 0, JUMP, 1.0))
        wrong.append(decided.calibration.rejected(rejected))
    return frame_score(np.concatenate(right), np.concatenate(wrong), decided.no_more)
