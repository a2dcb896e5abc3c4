"""Fitting a classification micro-model to the labelled frames of one group: look at its frames once, then compare."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from backend.learning.classification import features
from backend.learning.classification.averaging import elect
from backend.learning.classification.micro_model import Blueprint, Known, frozen, group_of, to_weights
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.fitting.session import Clock, Tell, Trained, session
from backend.learning.fitting.unlabeled import choose
from backend.learning.network.backbone import Backbone
from backend.types import Frame, LabeledFrame, Weights


def train(
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    labels: tuple[str, ...],
    recipe: ClassificationRecipe,
    *,
    start: Weights | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: Tell = lambda _: None,
    clock: Clock = time.monotonic,
) -> Trained:
    """Learn from `labeled`; `unlabeled` frames of the group, decoded when indexed, tell what is usual in it.

    Nothing is random, and nothing of an earlier version is worth starting from: `seed` and `start` change nothing.
    What `progress` raises passes through.
    """
    with session(labeled, labels, device=device, seed=seed, progress=progress, clock=clock) as under_way:
        targets, single = _targets(labeled, labels, recipe)
        backbone = frozen(recipe.backbone, under_way.device)
        chosen = list(choose(unlabeled, labeled, recipe.group_frames))
        size = features.size_for([one.frame for one in labeled], recipe.side)
        told = under_way.countdown(len(labeled) + len(chosen))
        known = _look(
            [one.frame for one in labeled], unlabeled, chosen, size, backbone, under_way.device, told, targets
        )
        members = elect(group_of(known, single))
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
