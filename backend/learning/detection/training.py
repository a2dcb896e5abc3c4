"""Overfitting a detection micro-model to the labelled frames of one group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from backend.learning.detection.augmentation import Picture, Shares, crops
from backend.learning.detection.candidates import EXACT
from backend.learning.detection.config import Blueprint
from backend.learning.detection.ensemble import alone
from backend.learning.detection.hard_negatives import find
from backend.learning.detection.head import BACKGROUND, DetectionNetwork
from backend.learning.detection.initialization import warm
from backend.learning.detection.micro_model import DetectionModel
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.rotation import turns_of
from backend.learning.fitting.initialization import kind_of
from backend.learning.fitting.loop import begun, overfit
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.background import Background, find_background, with_difference
from backend.learning.geometry.boxes import ious
from backend.learning.geometry.levels import find_levels
from backend.learning.geometry.rotation import upright
from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.types import LabeledFrame, Weights

MINED = 12
"""Labelled frames at most that are searched for mistakes at once: bounds the time."""
MISTAKEN = 0.08
"""Score from which background counts as mistaken for an object."""
NEAR = 0.3
"""IoU with an object from which a candidate is a bad box rather than a mistake."""
MOST_WRONG = 12
"""Mistakes kept of a frame, the worst ones."""


def train(given: TrainingInput, recipe: DetectionRecipe) -> Trained:
    """Train on the labelled frames; the unlabelled ones tell the background and the levels."""
    start = given.start and alone(given.start)
    with session(given) as under_way:
        planned, background = planned_with_background(given, recipe)
        blueprint, arrays = warm(planned, start)
        kind, seen = kind_of(start, arrays), {} if background is None else {BACKGROUND: background}
        look = PictureMaker(blueprint, background, under_way.device, recipe.inexact_box_weight)
        pictures = [look.picture(frame) for frame in given.labeled]
        network = begun(blueprint, [one.image for one in pictures], {**arrays, **seen}, under_way.device)
        metrics = overfit(DetectionCourse(network, recipe, under_way.rng, pictures), recipe, under_way, start=kind)
        blueprint = learn_mistakes(network, blueprint, [upright(frame) for frame in given.labeled], recipe)
        return under_way.trained(Weights(network.own_state(), blueprint.to_metadata()), metrics)


def planned_with_background(given: TrainingInput, recipe: DetectionRecipe) -> tuple[Blueprint, Background | None]:
    """The blueprint as labels and frames suggest it, and the background where the camera stands still."""
    planned = plan(given.labeled, given.labels, recipe)
    if recipe.levels:
        planned = replace(planned, levels=find_levels(given.every_frame))
    background = find_background(given.every_frame, planned.scale) if recipe.background else None
    shape = None if background is None else (background.shape[1], background.shape[2])
    return replace(planned, background=shape), background


@dataclass(slots=True, eq=False)
class DetectionCourse:
    """Crops, many of them around objects and around what is taken for one."""

    network: DetectionNetwork
    recipe: DetectionRecipe
    rng: np.random.Generator
    pictures: Sequence[Picture]
    """Of the labelled frames; from a third of the steps on with the mistakes that were found in them."""

    def loss(self, step: int, steps: int, average: DetectionNetwork) -> Tensor:
        """Of one step's crops; twice the average network is asked what it takes for objects."""
        if self.recipe.mining and step in (steps // 3, 2 * steps // 3):
            self.pictures = mine(average, self.pictures, self.rng)
        shares = Shares(self.recipe.object_share, self.recipe.hard_share, self.angles)
        batch = crops(self.pictures, self.recipe.batch, self.recipe.crop, shares, self.rng)
        images = torch.stack([crop.image for crop in batch]).contiguous(memory_format=torch.channels_last)
        return self.network.head.loss(self.network(images), batch)

    @property
    def angles(self) -> tuple[float, ...]:
        """Of the drawn boxes, radians; none where all are upright."""
        turns = [one.turns for one in self.pictures if one.turns is not None]
        return tuple(map(float, np.concatenate(turns)[:, 2])) if turns else ()


@dataclass(frozen=True, slots=True, eq=False)
class PictureMaker:
    """Labelled frames as crops are cut from them."""

    blueprint: Blueprint
    background: Background | None
    device: torch.device
    inexact: float
    """Weight of the sides of boxes that were accepted."""

    def picture(self, labeled: LabeledFrame) -> Picture:
        """The frame scaled, with the boxes of known labels that have an area."""
        pixels, factor = to_tensor(labeled.frame, self.blueprint.scale)
        if self.background is not None:
            pixels = with_difference(pixels, torch.from_numpy(self.background))
        turned, labels = self.blueprint.turned, self.blueprint.labels
        drawn = (labeled if turned else upright(labeled)).instances
        known = [i for i in drawn if i.label in labels and i.box[2] > i.box[0] and i.box[3] > i.box[1]]
        return Picture(
            image=pixels.to(self.device),
            boxes=np.array([i.hull for i in known], np.float32).reshape(-1, 4) * factor,
            classes=np.array([labels.index(i.label) for i in known], np.int64),
            outlines=np.array([self.inexact if i.accepted else EXACT for i in known], np.float32),
            hard=np.zeros((0, 2), np.float32),
            weight=labeled.weight,
            turns=turns_of(known, factor) if turned else None,
        )


def mine(network: DetectionNetwork, pictures: Sequence[Picture], rng: np.random.Generator) -> list[Picture]:
    """The pictures, some of them with the places that are wrongly taken for objects."""
    mined = list(pictures)
    for index in map(int, rng.permutation(len(pictures))[:MINED]):
        one = pictures[index]
        with torch.inference_mode():
            [found] = network.head.decode(network(to_batch([one.image])))
        wrong = found.boxes[(found.scores >= MISTAKEN) & (ious(found.boxes, one.boxes).max(1, initial=0) < NEAR)]
        mined[index] = replace(one, hard=(wrong[:MOST_WRONG, :2] + wrong[:MOST_WRONG, 2:]) / 2)
    return mined


def telling(labeled: Sequence[LabeledFrame], most: int) -> list[LabeledFrame]:
    """At most so many of the labelled frames, in which mistakes are looked for: half of them those with the fewest
    objects, where whatever is seen is a mistake; the others spread over the rest."""
    order = sorted(range(len(labeled)), key=lambda i: len(labeled[i].instances))
    bare, rest = order[: most // 2], sorted(order[most // 2 :])
    spread = rest[:: -(-len(rest) // (most - len(bare)))] if rest else []
    return [labeled[i] for i in sorted([*bare, *spread])]


def learn_mistakes(
    network: DetectionNetwork, blueprint: Blueprint, labeled: Sequence[LabeledFrame], recipe: DetectionRecipe
) -> Blueprint:
    """The blueprint, with the places of the labelled frames that fool the network as it is now."""
    if not recipe.hard_negatives:
        return blueprint
    model = DetectionModel(network.settled(), blueprint, network.device)
    frames = telling(labeled, MINED)
    seen = list(model.see(one.frame for one in frames))
    drawn = [np.array([i.box for i in one.instances], np.float32).reshape(-1, 4) for one in frames]
    return replace(blueprint, mistakes=find([one.candidates for one in seen], drawn, [one.size for one in seen]))
