"""Fitting a classification micro-model to the labelled frames of one group: look at its frames once, then one regression."""

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from backend.learning.classification import features
from backend.learning.classification.features import Floats, Maps
from backend.learning.classification.micro_model import ClassificationConfig, to_weights
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.classification.ridge import Linear, fit
from backend.learning.fitting.session import Session, session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput, evenly_spread
from backend.types import Frame

STATISTICS_FRAMES = 200
"""Most frames that what is usual is taken of, evenly spread over those looked at: bounds memory."""


def train(given: TrainingInput, recipe: ClassificationRecipe) -> Trained:
    """Learn from the labelled frames; unlabelled ones tell what is usual in the group.

    Nothing is random, and nothing of an earlier version is worth starting from: seed and start change nothing.
    """
    with session(given) as under_way:
        labeled = [one.frame for one in given.labeled]
        shown = [{i.label for i in one.instances} for one in given.labeled]
        targets, single = targets_of(shown, given.labels, recipe.multiple)
        counts = np.array([one.weight for one in given.labeled])
        size = features.size_for(labeled, recipe.side)
        maps = _look(labeled, given.unlabeled, size, recipe, under_way)
        group_statistics = features.group_statistics(
            features.join([maps[at] for at in evenly_spread(len(maps), STATISTICS_FRAMES)])
        )
        vectors = np.concatenate([features.vectors(one, group_statistics) for one in maps])
        scale = scale_of(vectors, features.widths(group_statistics))
        linear = fit(scale * vectors[: len(labeled)], targets, counts, recipe.ridge, single)
        linear = Linear(scale[:, None] * linear.weights, linear.bias)
        weights = to_weights(
            ClassificationConfig(given.labels, recipe.backbone, size, single), group_statistics, linear
        )
        return under_way.trained(weights, {"frames": float(len(maps)), "warm": 0.0})


def _look(
    labeled: Sequence[Frame],
    unlabeled: Sequence[Frame],
    size: tuple[int, int],
    recipe: ClassificationRecipe,
    under_way: Session,
) -> list[Maps]:
    """Of each labelled frame, then of some unlabelled ones."""
    backbone = features.frozen(recipe.backbone, under_way.device)
    chosen = evenly_spread(len(unlabeled), recipe.group_frames)
    report = under_way.countdown(len(labeled) + len(chosen))
    seen = list[Maps]()
    for at in range(len(labeled) + len(chosen)):
        frame = labeled[at] if at < len(labeled) else unlabeled[chosen[at - len(labeled)]]
        seen.append(features.feature_maps(backbone, features.scaled(frame, size), under_way.device))
        report(at)
    return seen


def scale_of(vectors: Floats | NDArray[np.float64], widths: Sequence[int]) -> NDArray[np.float64]:
    """(n,) what makes the numbers of a vector deviate alike over the group, and each stride count alike."""
    sizes = np.concatenate([np.full(width, width) for width in widths])
    return np.asarray(1 / (vectors.std(0, dtype=np.float64) + 1e-3) / np.sqrt(sizes))


def targets_of(shown: Sequence[Set[str]], labels: Sequence[str], multiple: bool) -> tuple[NDArray[np.float64], bool]:
    """(frames, classes), and whether each frame has exactly one of what is `shown` in it. Frames without a label are a class
    of their own; where `multiple`, or where one has several, each label is there or not."""
    targets = np.array([[label in one for label in labels] for one in shown], float)
    if multiple or (targets.sum(1) > 1).any():
        return targets, False
    nothing = 1 - targets.sum(1, keepdims=True)
    return (np.concatenate([targets, nothing], 1) if nothing.any() else targets), True
