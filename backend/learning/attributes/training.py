"""Fitting a micro-model of attributes to the labelled regions of one group: look at each crop once, then one regression."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.learning.attributes.crops import PLACE_PARTS, PLACE_WIDTH, crop, place, regions_of
from backend.learning.attributes.micro_model import AttributeConfig
from backend.learning.attributes.recipe import AttributeRecipe
from backend.learning.classification import features
from backend.learning.classification.micro_model import to_weights
from backend.learning.classification.ridge import Linear, fit
from backend.learning.classification.training import scale_of, targets_of
from backend.learning.fitting.session import Session, session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput, evenly_spread
from backend.types import Frame, Instance, LabeledFrame

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """A labelled region, and the crop around it."""

    crop: Frame
    place: Array
    labels: frozenset[str]
    weight: float
    frame: int
    """Which of the labelled frames it is in."""


def train(given: TrainingInput, recipe: AttributeRecipe) -> Trained:
    """Learn from the labelled regions; what nobody has said anything of is no example.

    Nothing is random, and nothing of an earlier version is worth starting from: seed and start change nothing.
    """
    with session(given) as under_way:
        regions = _regions(given.labeled, recipe)
        size = features.size_for([one.crop for one in regions], recipe.side)
        maps = features.join(_look(regions, size, recipe, under_way))
        statistics = features.group_statistics(maps)
        seen = np.asarray(features.vectors(maps, statistics), np.float64)
        targets, single = targets_of([one.labels for one in regions], given.labels, recipe.multiple)
        linear = _fit(seen, regions, targets, features.widths(statistics), recipe, single)
        config = AttributeConfig(given.labels, recipe.backbone, size, single, recipe.margin)
        metrics = {"frames": float(len(given.labeled)), "regions": float(len(regions)), "warm": 0.0}
        return under_way.trained(to_weights(config, statistics, linear), metrics)


def _fit(
    seen: Array,
    regions: Sequence[_Region],
    targets: Array,
    widths: Sequence[int],
    recipe: AttributeRecipe,
    single: bool,
) -> Linear:
    """The regression that would have told best what each frame holds without that frame's labels."""
    vectors = np.concatenate([seen, np.stack([one.place for one in regions])], 1)
    scale = scale_of(vectors, (*widths, PLACE_WIDTH))
    counts, frames = np.array([one.weight for one in regions]), np.array([one.frame for one in regions])
    found = list[Linear]()
    for weights in recipe.places:
        weighted = np.concatenate([scale[:-PLACE_WIDTH], np.repeat(weights, PLACE_PARTS) * scale[-PLACE_WIDTH:]])
        one = fit(weighted * vectors, targets, counts, recipe.ridge, single, frames)
        found.append(Linear(weighted[:, None] * one.weights, one.bias, one.surprise))
    return min(found, key=lambda one: one.surprise)


def _regions(labeled: Sequence[LabeledFrame], recipe: AttributeRecipe) -> list[_Region]:
    """At most so many as the recipe says, evenly spread; where nothing is labelled at all, whole frames without a class."""
    drawn = [(n, one, labels) for n, frame in enumerate(labeled) for one, labels in regions_of(frame.instances)]
    frames = ((n, one.frame) for n, one in enumerate(labeled))
    whole = [(n, Instance("", (0.0, 0.0, frame.width, frame.height)), frozenset[str]()) for n, frame in frames]
    some = drawn or whole
    chosen = (some[at] for at in evenly_spread(len(some), recipe.most_crops))
    return [_region(labeled[n], n, one, labels, recipe.margin) for n, one, labels in chosen]


def _region(labeled: LabeledFrame, number: int, one: Instance, labels: frozenset[str], margin: float) -> _Region:
    frame = labeled.frame
    return _Region(crop(frame, one.box, margin), place(frame, one.box), labels, labeled.weight, number)


def _look(
    regions: Sequence[_Region], size: tuple[int, int], recipe: AttributeRecipe, under_way: Session
) -> list[features.Maps]:
    backbone, report = features.frozen(recipe.backbone, under_way.device), under_way.countdown(len(regions))
    seen = list[features.Maps]()
    for at, one in enumerate(regions):
        seen.append(features.feature_maps(backbone, features.scaled(one.crop, size), under_way.device))
        report(at)
    return seen
