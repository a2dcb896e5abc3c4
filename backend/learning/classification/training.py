"""Fitting a classification micro-model to the labelled frames of one group: look at its frames once, then compare."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from backend.learning.classification import features
from backend.learning.classification.averaging import FIXED, elect
from backend.learning.classification.micro_model import Blueprint, Known, frozen, group_of, to_weights
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.fitting.unlabeled import choose
from backend.learning.network.backbone import Backbone
from backend.types import Frame, LabeledFrame


def train(given: TrainingInput, recipe: ClassificationRecipe) -> Trained:
    """Learn from the labelled frames; unlabelled ones tell what is usual in the group.

    Nothing is random, and nothing of an earlier version is worth starting from: seed and start change nothing.
    """
    labeled, unlabeled, labels = given.labeled, given.unlabeled, given.labels
    with session(given) as under_way:
        targets, single = _targets(labeled, labels, recipe)
        backbone = frozen(recipe.backbone, under_way.device)
        chosen = list(choose(unlabeled, labeled, recipe.group_frames))
        size = features.size_for([one.frame for one in labeled], recipe.side)
        told = under_way.countdown(len(labeled) + len(chosen))
        known = _look(
            [one.frame for one in labeled], unlabeled, chosen, size, backbone, under_way.device, told, targets
        )
        members = elect(group_of(known, single), linking=recipe.linking) if recipe.averaging else FIXED
        blueprint = Blueprint(labels, recipe.backbone, size, single, members)
        metrics = {"members": float(len(members)), "frames": float(len(known.tasks)), "warm": 0.0}
        return under_way.trained(to_weights(blueprint, known), metrics)


def _look(
    labeled: Sequence[Frame],
    unlabeled: Sequence[Frame],
    chosen: Sequence[int],
    size: tuple[int, int],
    backbone: Backbone,
    device: torch.device,
    told: Callable[[int], None],
    targets: NDArray[np.uint8],
) -> Known:
    tasks, orders, seen = list[int](), list[float](), list[features.Maps]()
    for at in range(len(labeled) + len(chosen)):
        frame = labeled[at] if at < len(labeled) else unlabeled[chosen[at - len(labeled)]]
        tasks.append(frame.task)
        orders.append(np.nan if frame.order is None else frame.order)
        seen.append(features.look(backbone, features.scaled(frame, size), device))
        told(at)
    maps = features.join(seen)
    group = features.usual(maps)
    return Known(np.array(tasks, np.int64), np.array(orders), targets, features.vectors(maps, group), group)


def _targets(
    labeled: Sequence[LabeledFrame], labels: tuple[str, ...], recipe: ClassificationRecipe
) -> tuple[NDArray[np.uint8], bool]:
    """(frames, classes), and whether each frame has exactly one. Frames without a label are a class of their own."""
    shown = [{i.label for i in one.instances} for one in labeled]
    targets = np.array([[label in one for label in labels] for one in shown], np.uint8)
    if recipe.multiple or (targets.sum(1) > 1).any():
        return targets, False
    nothing = 1 - targets.sum(1, keepdims=True, dtype=np.uint8)
    return (np.concatenate([targets, nothing], 1) if nothing.any() else targets), True
